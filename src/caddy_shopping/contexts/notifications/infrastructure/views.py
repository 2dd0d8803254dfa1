"""The reads, straight into the answers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from caddy_shopping.contexts.notifications.application.retry_email import MANAGE
from caddy_shopping.contexts.notifications.application.views import (
    EmailView,
    NotificationView,
    PreferencesView,
    UnreadCount,
)
from caddy_shopping.contexts.notifications.domain.email import EmailStatus
from caddy_shopping.contexts.notifications.domain.errors import EmailNotFound
from caddy_shopping.contexts.notifications.domain.notification import Notification
from caddy_shopping.contexts.notifications.infrastructure.tables import emails, mutes, notifications
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.paging import PageRequest, Slice
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.prepared import Prepared

_NOTIFICATION: Select[*tuple[Any, ...]] = select(
    notifications.c.id,
    notifications.c.user_id,
    notifications.c.kind,
    notifications.c.data,
    notifications.c.created_at,
    notifications.c.read_at,
)
_EMAIL: Select[*tuple[Any, ...]] = select(
    emails.c.id,
    emails.c.user_id,
    emails.c.address,
    emails.c.template,
    emails.c.language,
    emails.c.status,
    emails.c.attempts,
    emails.c.next_attempt_at,
    emails.c.last_error,
    emails.c.message_id,
    emails.c.created_at,
    emails.c.sent_at,
)


class SqlNotificationQueries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def notifications(self, actor: Actor, page: PageRequest, *, unread: bool) -> Slice[NotificationView]:
        wanted = [notifications.c.user_id == actor.user_id]
        if unread:
            wanted.append(notifications.c.read_at.is_(None))
        rows = _NOTIFICATION.where(*wanted).order_by(notifications.c.id.desc()).limit(page.limit + 1)
        after = page.after(UUID)
        async with self._database.read() as connection:
            found = await connection.execute(rows if after is None else rows.where(notifications.c.id < after))
            views = [NotificationView.of(Notification(*row), actor.language) for row in found]
            total = await connection.scalar(_count(wanted)) if page.total else None
        return Slice.cut(views, page, lambda view: view.id, total)

    async def unread_count(self, actor: Actor) -> UnreadCount:
        unread = [notifications.c.user_id == actor.user_id, notifications.c.read_at.is_(None)]
        async with self._database.read() as connection:
            return UnreadCount(await connection.scalar(_count(unread)) or 0)

    async def preferences(self, actor: Actor) -> PreferencesView:
        off = select(mutes.c.kind).where(mutes.c.user_id == actor.user_id)
        async with self._database.read() as connection:
            return PreferencesView.without(frozenset((await connection.scalars(off)).all()))

    async def emails(
        self, actor: Actor, page: PageRequest, *, status: EmailStatus | None, address: str | None
    ) -> Slice[EmailView]:
        actor.require(MANAGE)
        wanted: list[ColumnElement[bool]] = []
        if status is not None:
            wanted.append(emails.c.status == status)
        if address is not None:
            wanted.append(emails.c.address == address)
        rows = _EMAIL.where(*wanted).order_by(emails.c.id.desc()).limit(page.limit + 1)
        after = page.after(UUID)
        async with self._database.read() as connection:
            found = await connection.execute(rows if after is None else rows.where(emails.c.id < after))
            views = [EmailView(*row) for row in found]
            count = select(func.count()).select_from(emails).where(*wanted)
            total = await connection.scalar(count) if page.total else None
        return Slice.cut(views, page, lambda view: view.id, total)

    async def email(self, actor: Actor, email_id: UUID) -> EmailView:
        actor.require(MANAGE)
        async with self._database.read() as connection:
            row = (await connection.execute(_EMAIL.where(emails.c.id == email_id))).first()
        if row is None:
            raise EmailNotFound()
        return EmailView(*row)

    async def any_due(self, now: datetime) -> bool:
        async with self._database.glance() as glance:
            return bool(await glance.run(_DUE, {"now": now}))


_DUE = Prepared(
    select(emails.c.id)
    .where(emails.c.status == EmailStatus.QUEUED, emails.c.next_attempt_at <= bindparam("now"))
    .limit(1)
)


def _count(wanted: list[ColumnElement[bool]]) -> Select[int]:
    return select(func.count()).select_from(notifications).where(*wanted)
