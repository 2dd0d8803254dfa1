"""Webhooks that had their effect long ago are forgotten."""

from datetime import timedelta

import msgspec

from caddy_shopping.contexts.payments.application.ports import PaymentsTransaction
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork

BATCH = 500


class PurgeWebhooks(msgspec.Struct, frozen=True):
    pass


class PurgeWebhooksHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]
    clock: Clock
    keep: timedelta

    async def __call__(self, command: PurgeWebhooks) -> int:
        """Forget webhooks that were processed longer than `keep` ago, in short transactions; how many.

        A copy that comes after that is too old to be believed, and a payment only ever moves forward.
        """
        before, forgotten = self.clock.now() - self.keep, 0
        while True:
            async with self.uow() as tx:
                count = await tx.webhooks.purge(before, BATCH)
            forgotten += count
            if count < BATCH:
                return forgotten
