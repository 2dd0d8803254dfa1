"""Staff send a mail again that did not go out."""

from collections.abc import Callable
from uuid import UUID

import msgspec

from caddy_shopping.contexts.notifications.application.ports import NotificationsTransaction
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork

MANAGE = "notifications:manage"


class RetryEmail(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    email_id: UUID


class RetryEmailHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[NotificationsTransaction]
    clock: Clock
    wake: Callable[[], None]

    async def __call__(self, command: RetryEmail) -> None:
        """Queue an e-mail again that failed or waits for its next attempt; its attempts start over."""
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            await tx.emails.requeue(command.email_id, self.clock.now())
        self.wake()
