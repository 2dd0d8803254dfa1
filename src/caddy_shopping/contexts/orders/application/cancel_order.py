"""Call an order off."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.permissions import MANAGE
from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.views import OrderView
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True):
    """By its buyer, or `as_staff` (then with the `version` that they saw)."""

    actor: Actor
    order_id: UUID
    reason: str
    as_staff: bool = False
    version: int | None = None


class CancelOrderHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: CancelOrder) -> OrderView:
        """Cancel an order that has not shipped. Its stock goes back, and so does what was paid."""
        actor = command.actor
        if command.as_staff:
            actor.require(MANAGE)
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            if not command.as_staff and order.user_id != actor.user_id:
                raise OrderNotFound()
            check_version(order, command.version)
            order.cancel(actor, command.reason, self.clock.now())
            return tx.reply(OrderView.of(order))
