"""Ids that were refused long ago are forgotten."""

from datetime import timedelta

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork

BATCH = 500


class PurgeClaims(msgspec.Struct, frozen=True):
    pass


class PurgeClaimsHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock
    keep: timedelta

    async def __call__(self, command: PurgeClaims) -> int:
        """Forget ids that were refused longer than `keep` ago, in short transactions; how many.

        Nobody is still placing an order under them by then. An id that is an order stays.
        """
        before, forgotten = self.clock.now() - self.keep, 0
        while True:
            async with self.uow() as tx:
                count = await tx.claims.purge(before, BATCH)
            forgotten += count
            if count < BATCH:
                return forgotten
