"""React to a cancelled order."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.application.ports import PaymentsTransaction, Providers
from caddy_shopping.contexts.payments.application.queries import PaymentQueries
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class VoidPayment(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID


class VoidPaymentHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]
    clock: Clock
    queries: PaymentQueries
    providers: Providers

    async def __call__(self, command: VoidPayment) -> None:
        """Give up the payment of an order that will not be delivered.

        Where the provider had taken the money already, that is told as any success is, and the order asks
        for its refund.
        """
        payment = await self.queries.open_payment(order_id=command.order_id)
        if payment is None:
            return
        seen = await self.providers[payment.provider].void(payment_id=payment.id)
        async with self.uow() as tx:
            saved = await tx.payments.get(payment.id)
            saved.observe(seen, self.clock.now())
