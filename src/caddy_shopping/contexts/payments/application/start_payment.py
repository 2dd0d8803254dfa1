"""Start paying an order."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.application.ports import PaymentsTransaction, Providers
from caddy_shopping.contexts.payments.application.views import PaymentView
from caddy_shopping.contexts.payments.domain.errors import (
    OrderNotPayable,
    OrderPaymentExpired,
    PaymentInProgress,
    PaymentMethodUnknown,
)
from caddy_shopping.contexts.payments.domain.payment import Payment, PaymentStatus
from caddy_shopping.contracts.orders import OrderNotFound, Orders, PayableOrder
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork

AWAITS_PAYMENT = "PENDING_PAYMENT"


class StartPayment(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    order_id: UUID
    method: str


class StartPaymentHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]
    clock: Clock
    orders: Orders
    providers: Providers
    provider: str
    """Name of the provider that new payments go to."""

    async def __call__(self, command: StartPayment) -> PaymentView:
        """Pay an order that awaits its payment.

        An order has one active payment. Asking again with the same method answers that one; another method
        replaces it, where the provider can still call it back. After a decline, or when nothing came of a
        payment, ask again. How it ends is told by the payment's status a moment later.
        """
        provider = self.providers[self.provider]
        if command.method not in provider.methods:
            raise PaymentMethodUnknown(method=command.method, methods=", ".join(sorted(provider.methods)))
        order = await self.orders.get_payable(order_id=command.order_id)
        if order.user_id != command.actor.user_id:
            raise OrderNotFound()
        earlier = await self._paid_meanwhile(command, order)
        if earlier is not None:
            return earlier
        self._require_payable(order)
        payment = await self._open(command, order)
        if payment.method != command.method:
            await self._give_up(payment)
            payment = await self._open(command, order)
            if payment.method != command.method:
                raise PaymentInProgress(method=payment.method, payment_id=payment.id)
        seen = None
        if payment.status is PaymentStatus.CREATED:
            # A crash before this, or between this and the saving below, leaves the payment CREATED. The
            # retry finds it again, and the provider knows it by its id.
            seen = await self.providers[payment.provider].create_intent(
                payment_id=payment.id, order_number=order.number, amount=payment.amount, method=payment.method
            )
        async with self.uow() as tx:
            saved = await tx.payments.get(payment.id)
            if seen is not None:
                saved.observe(seen, self.clock.now())
            return tx.reply(PaymentView.of(saved))

    async def _paid_meanwhile(self, command: StartPayment, order: PayableOrder) -> PaymentView | None:
        """The payment that this very request made before it was cut short, where it has paid the order since."""
        if order.status == AWAITS_PAYMENT:
            return None
        async with self.uow() as tx:
            payment = await tx.payments.active(order.id) if tx.resumed else None
            if payment is None or payment.method != command.method:
                return None
            return tx.reply(PaymentView.of(payment))

    def _require_payable(self, order: PayableOrder) -> None:
        if order.status != AWAITS_PAYMENT:
            raise OrderNotPayable(number=order.number, status=order.status)
        if order.expires_at <= self.clock.now():
            raise OrderPaymentExpired(number=order.number)

    async def _open(self, command: StartPayment, order: PayableOrder) -> Payment:
        """The order's active payment, which is a new one where there was none."""
        async with self.uow() as tx:
            payment = await tx.payments.active(order.id)
            if payment is None:
                payment = Payment.create(
                    order_id=order.id,
                    order_number=order.number,
                    user_id=order.user_id,
                    provider=self.provider,
                    method=command.method,
                    amount=order.total,
                    now=self.clock.now(),
                )
                tx.payments.add(payment)
            return payment

    async def _give_up(self, payment: Payment) -> None:
        """Call the earlier attempt back. It stays where it is when the provider says that it is too late."""
        if not payment.is_open:
            return
        seen = await self.providers[payment.provider].void(payment_id=payment.id)
        async with self.uow() as tx:
            saved = await tx.payments.get(payment.id)
            saved.observe(seen, self.clock.now())
