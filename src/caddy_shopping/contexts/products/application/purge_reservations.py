"""Reservations that were given back long ago are forgotten."""

from datetime import timedelta

import msgspec

from caddy_shopping.contexts.products.application.ports import ProductsTransaction
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork

BATCH = 500


class PurgeReservations(msgspec.Struct, frozen=True):
    pass


class PurgeReservationsHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    clock: Clock
    keep: timedelta

    async def __call__(self, command: PurgeReservations) -> int:
        """Forget released reservations whose deadline passed longer than `keep` ago, in short transactions; how many.

        What is sold stays for good: it says what a return may put back.
        """
        before, forgotten = self.clock.now() - self.keep, 0
        while True:
            async with self.uow() as tx:
                count = await tx.stock.purge(before, BATCH)
            forgotten += count
            if count < BATCH:
                return forgotten
