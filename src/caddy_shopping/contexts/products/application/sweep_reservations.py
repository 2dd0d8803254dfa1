"""Reservations that ran out are settled."""

import msgspec

from caddy_shopping.contexts.products.application.ports import ProductsTransaction
from caddy_shopping.contexts.products.application.queries import ProductQueries
from caddy_shopping.contracts.orders import Orders
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork

BATCH = 100


class SweepReservations(msgspec.Struct, frozen=True, kw_only=True):
    """Settle up to `BATCH` reservations that ran out."""


class SweepReservationsHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    queries: ProductQueries
    orders: Orders
    clock: Clock

    async def __call__(self, command: SweepReservations) -> int:
        """Keep what belongs to an order, give the rest back; how many were settled.

        Orders bars every id that it refuses, so an order still being placed cannot come to be without its
        stock. Two sweeps at once do no harm: each reservation moves once.
        """
        due = await self.queries.overdue(self.clock.now(), BATCH)
        if not due:
            return 0
        settled = await self.orders.settle(order_ids=due)
        asked = set(due)
        placed = [order_id for order_id in settled.placed if order_id in asked]
        refused = [order_id for order_id in settled.refused if order_id in asked]
        async with self.uow() as tx:
            await tx.stock.claim(placed)
            await tx.stock.release(refused)
        return len(placed) + len(refused)
