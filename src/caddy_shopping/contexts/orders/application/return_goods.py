"""Goods come back."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.permissions import MANAGE
from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.views import OrderView
from caddy_shopping.contexts.orders.domain.parts import summed
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ReturnGoods(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` are (line id, quantity)."""

    actor: Actor
    order_id: UUID
    version: int
    lines: list[tuple[UUID, int]]
    restock: bool


class ReturnGoodsHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: ReturnGoods) -> OrderView:
        """Take note of returned goods, and put them back on the shelf where they are fit for sale. Moves no money."""
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            check_version(order, command.version)
            order.take_back(summed(command.lines), command.restock, command.actor, self.clock.now())
            return tx.reply(OrderView.of(order))
