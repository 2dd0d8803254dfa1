"""Decide for good whether ids are orders."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contracts.orders import Settlement
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class SettleOrders(msgspec.Struct, frozen=True, kw_only=True):
    order_ids: list[UUID]


class SettleOrdersHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: SettleOrders) -> Settlement:
        """Which ids are orders; the others are barred from becoming one."""
        if not command.order_ids:
            return Settlement(placed=[], refused=[])
        async with self.uow() as tx:
            placed, refused = await tx.claims.settle(command.order_ids, self.clock.now())
        return Settlement(placed=placed, refused=refused)
