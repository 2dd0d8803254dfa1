"""React to an order that wants money given back."""

from uuid import UUID

import msgspec
import structlog

from caddy_shopping.contexts.payments.application.ports import PaymentsTransaction, Providers
from caddy_shopping.contexts.payments.domain.errors import PaymentNotFound, ProviderUnavailable, RefundExceedsCaptured
from caddy_shopping.contexts.payments.domain.payment import Payment
from caddy_shopping.contexts.payments.domain.refund import Refund
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.unit_of_work import UnitOfWork

log = structlog.get_logger("payments")


class RefundPayment(msgspec.Struct, frozen=True, kw_only=True):
    """`payment_id` is the payment that the money came with, where the order says so."""

    order_id: UUID
    refund_id: UUID
    amount: Money
    reason: str
    payment_id: UUID | None = None


class RefundPaymentHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]
    clock: Clock
    providers: Providers

    async def __call__(self, command: RefundPayment) -> None:
        """Give money of an order back, once per refund id and never more than was captured.

        The refund is saved, and its money set aside, *before* the provider hears of it: so two refunds at
        once cannot together exceed what is there, and the provider's webhook finds its refund. A refund
        that did not reach the provider is handed in again by reconciliation. Raises `PaymentNotFound`
        where the order never paid.
        """
        async with self.uow() as tx:
            if await tx.refunds.find(command.refund_id) is not None:
                return
            paid = await tx.payments.captured(command.order_id)
            if not paid:
                raise PaymentNotFound()
            payment = _source(paid, command)
            refund = self._refund(command, payment)
            tx.refunds.add(refund)
        if refund.failure is None:
            await self._hand_in(refund, payment)

    def _refund(self, command: RefundPayment, payment: Payment) -> Refund:
        now = self.clock.now()
        try:
            return Refund.request(command.refund_id, payment, command.amount, command.reason, now)
        except RefundExceedsCaptured:
            failure = "exceeds_captured"
            return Refund.refuse(command.refund_id, payment, command.amount, command.reason, failure, now)

    async def _hand_in(self, refund: Refund, payment: Payment) -> None:
        provider = self.providers[payment.provider]
        try:
            await provider.refund(refund_id=refund.id, payment_id=payment.id, amount=refund.amount)
        except ProviderUnavailable as fault:
            # The refund is committed: failing now would only make the event be delivered again for nothing.
            log.warning("refund.not_handed_in", refund_id=str(refund.id), error=repr(fault))


def _source(paid: list[Payment], command: RefundPayment) -> Payment:
    """The payment that is named; else the latest that has enough, so that an order paid twice loses the later one."""
    named = next((each for each in paid if each.id == command.payment_id), None)
    enough = (each for each in paid if command.amount <= each.captured - each.refunded)
    return named or next(enough, paid[0])
