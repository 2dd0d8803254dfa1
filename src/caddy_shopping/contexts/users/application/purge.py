"""What has run out is forgotten."""

from datetime import timedelta

import msgspec

from caddy_shopping.contexts.users.application.ports import UsersTransaction
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork

BATCH = 500
KEEP = timedelta(days=7)
"""How long ended sessions stay, for whoever looks into a theft."""


class PurgeExpired(msgspec.Struct, frozen=True):
    pass


class PurgeExpiredHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock

    async def __call__(self, command: PurgeExpired) -> int:
        """Forget ended sessions after a week and expired mail tokens at once, in short transactions; how many."""
        now = self.clock.now()
        forgotten = 0
        while True:
            async with self.uow() as tx:
                sessions = await tx.sessions.purge(now - KEEP, BATCH)
                tokens = await tx.mail_tokens.purge(now, BATCH)
            forgotten += sessions + tokens
            if max(sessions, tokens) < BATCH:
                return forgotten
