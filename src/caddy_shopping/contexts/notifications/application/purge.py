"""Mails that went out and news that was read are forgotten after a while."""

from datetime import timedelta

import msgspec

from caddy_shopping.contexts.notifications.application.ports import NotificationsTransaction
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork

BATCH = 500


class PurgeOld(msgspec.Struct, frozen=True):
    pass


class PurgeOldHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[NotificationsTransaction]
    clock: Clock
    keep_mails: timedelta
    keep_news: timedelta

    async def __call__(self, command: PurgeOld) -> int:
        """Forget what was sent, or read, longer ago than it is kept, in short transactions; how many.

        What waits, what failed and what nobody has read yet stays.
        """
        now, forgotten = self.clock.now(), 0
        while True:
            async with self.uow() as tx:
                mails = await tx.emails.purge(now - self.keep_mails, BATCH)
                news = await tx.notifications.purge(now - self.keep_news, BATCH)
            forgotten += mails + news
            if max(mails, news) < BATCH:
                return forgotten
