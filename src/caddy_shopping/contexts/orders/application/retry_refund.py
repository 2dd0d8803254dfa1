"""A refund that failed is asked for again."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.permissions import MANAGE
from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.views import OrderView
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class RetryRefund(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    order_id: UUID
    refund_id: UUID
    version: int


class RetryRefundHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: RetryRefund) -> OrderView:
        """Ask a refund that FAILED back again; the new one is of the same payment, surplus money included."""
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            check_version(order, command.version)
            order.retry_refund(command.refund_id, command.actor, self.clock.now())
            return tx.reply(OrderView.of(order))
