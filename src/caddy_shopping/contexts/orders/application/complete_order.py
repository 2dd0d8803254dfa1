"""An order arrived."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.permissions import MANAGE
from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.views import OrderView
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class CompleteOrder(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    order_id: UUID
    version: int


class CompleteOrderHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: CompleteOrder) -> OrderView:
        """Mark a shipped order as completed."""
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            check_version(order, command.version)
            order.complete(command.actor, self.clock.now())
            return OrderView.of(order)
