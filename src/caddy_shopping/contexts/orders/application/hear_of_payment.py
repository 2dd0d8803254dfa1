"""What payments tells of an order's money."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class PayOrder(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID
    payment_id: UUID
    amount: Money


class NoteDecline(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID
    reason: str


class ConfirmRefund(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID
    refund_id: UUID
    amount: Money


class FailRefund(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID
    refund_id: UUID
    amount: Money
    reason: str


class PayOrderHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: PayOrder) -> None:
        """The order is paid; money that comes late, twice or in the wrong amount is asked back at once."""
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            order.pay(command.payment_id, command.amount, self.clock.now())


class NoteDeclineHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: NoteDecline) -> None:
        """A payment was declined: a line in the history, nothing else."""
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            order.decline(command.reason, self.clock.now())


class ConfirmRefundHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: ConfirmRefund) -> None:
        """A refund is done; the order is REFUNDED once all of its money is back."""
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            order.confirm_refund(command.refund_id, command.amount, self.clock.now())


class FailRefundHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: FailRefund) -> None:
        """A refund failed for good; its sum may be asked back again."""
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            order.fail_refund(command.refund_id, command.amount, command.reason, self.clock.now())
