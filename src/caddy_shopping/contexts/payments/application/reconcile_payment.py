"""Ask the provider how a payment and its refunds really stand."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.application.ports import PaymentProvider, PaymentsTransaction, Providers
from caddy_shopping.contexts.payments.application.queries import PERMISSION, OpenRefund, PaymentQueries
from caddy_shopping.contexts.payments.domain.payment import Sighting
from caddy_shopping.contexts.payments.domain.refund import RefundSighting
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ReconcilePayment(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    payment_id: UUID


class ReconcilePaymentHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]
    clock: Clock
    queries: PaymentQueries
    providers: Providers

    async def __call__(self, command: ReconcilePayment) -> bool:
        """Ask the provider about one payment, and about its refunds under way, and take in the answers.

        A payment that the provider never heard of (we stopped before asking) is given up; a refund that
        it never heard of is handed in again. True where anything changed. May run twice at once.
        """
        command.actor.require(PERMISSION)
        unknown = await self.queries.unknowns(payment_id=command.payment_id)
        provider = self.providers[unknown.provider]
        seen = await self._ask(provider, command.payment_id) if unknown.is_open else None
        refunds = [(each.id, await self._ask_refund(provider, command.payment_id, each)) for each in unknown.refunds]
        now, changed = self.clock.now(), False
        async with self.uow() as tx:
            payment = await tx.payments.get(command.payment_id)
            if seen is not None:
                changed = payment.observe(seen, now)
            for refund_id, refund_seen in refunds:
                refund = await tx.refunds.get(refund_id)
                changed = refund.observe(refund_seen, payment, now) or changed
        return changed

    async def _ask(self, provider: PaymentProvider, payment_id: UUID) -> Sighting:
        seen = await provider.fetch(payment_id=payment_id)
        if seen is None:
            return await provider.void(payment_id=payment_id)
        return await provider.capture(payment_id=payment_id) if seen.capturable else seen

    async def _ask_refund(self, provider: PaymentProvider, payment_id: UUID, refund: OpenRefund) -> RefundSighting:
        seen = await provider.fetch_refund(refund_id=refund.id)
        if seen is None:
            return await provider.refund(refund_id=refund.id, payment_id=payment_id, amount=refund.amount)
        return seen
