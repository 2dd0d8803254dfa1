"""Read marks."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.notifications.application.ports import NotificationsTransaction
from caddy_shopping.contexts.notifications.application.views import NotificationView, ReadCount
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class MarkRead(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    notification_id: UUID


class MarkReadHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[NotificationsTransaction]
    clock: Clock

    async def __call__(self, command: MarkRead) -> NotificationView:
        """Mark one of your notifications as read. Doing it again changes nothing."""
        user_id = command.actor.user_id
        async with self.uow() as tx:
            marked = await tx.notifications.mark_read(user_id, command.notification_id, self.clock.now())
        return NotificationView.of(marked, command.actor.language)


class MarkAllRead(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor


class MarkAllReadHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[NotificationsTransaction]
    clock: Clock

    async def __call__(self, command: MarkAllRead) -> ReadCount:
        """Mark all your notifications as read; the answer says how many were not."""
        user_id = command.actor.user_id
        async with self.uow() as tx:
            return ReadCount(await tx.notifications.mark_all_read(user_id, self.clock.now()))
