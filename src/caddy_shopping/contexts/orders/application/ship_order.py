"""An order leaves the house."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.permissions import MANAGE
from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.views import OrderView
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ShipOrder(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    order_id: UUID
    version: int
    carrier: str
    tracking_number: str


class ShipOrderHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: ShipOrder) -> OrderView:
        """Mark a paid order as shipped, with carrier and tracking number; the buyer is told."""
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            check_version(order, command.version)
            order.ship(command.carrier, command.tracking_number, command.actor, self.clock.now())
            return OrderView.of(order)
