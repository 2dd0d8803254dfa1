"""The transaction of this context: Core statements only, since nothing here has children or a version."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from caddy_shopping.contexts.notifications.domain.email import Emails
from caddy_shopping.contexts.notifications.domain.errors import NotificationNotFound
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.contexts.notifications.domain.notification import Mutes, Notification, Notifications
from caddy_shopping.contexts.notifications.infrastructure.queue import SqlEmails
from caddy_shopping.contexts.notifications.infrastructure.tables import mutes, notifications
from caddy_shopping.platform.db.lines import Writing
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.db.unit_of_work import SqlTransaction

_ADD = Prepared(insert(notifications))


class SqlNotificationsTransaction(SqlTransaction):
    def __init__(self, writing: Writing) -> None:
        super().__init__(writing)
        self.notifications: Notifications = SqlNotifications(self)
        self.mutes: Mutes = SqlMutes(self)
        self.emails: Emails = SqlEmails(self)


class SqlNotifications:
    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, notification: Notification) -> None:
        row = {
            "id": notification.id,
            "user_id": notification.user_id,
            "kind": notification.kind,
            "data": notification.data,
            "created_at": notification.created_at,
        }
        await self._tx.run(_ADD, row)

    async def mark_read(self, user_id: UUID, notification_id: UUID, now: datetime) -> Notification:
        mine = (notifications.c.id == notification_id, notifications.c.user_id == user_id)
        await self._tx.execute(
            update(notifications).where(*mine, notifications.c.read_at.is_(None)).values(read_at=now)
        )
        row = (await self._tx.execute(select(notifications).where(*mine))).first()
        if row is None:
            raise NotificationNotFound()
        return Notification(row.id, row.user_id, row.kind, row.data, row.created_at, row.read_at)

    async def mark_all_read(self, user_id: UUID, now: datetime) -> int:
        done = await self._tx.execute(
            update(notifications)
            .where(notifications.c.user_id == user_id, notifications.c.read_at.is_(None))
            .values(read_at=now)
        )
        return done.rowcount

    async def move(self, from_user: UUID, to_user: UUID) -> None:
        await self._tx.execute(
            update(notifications).where(notifications.c.user_id == from_user).values(user_id=to_user)
        )

    async def purge(self, read_before: datetime, limit: int) -> int:
        old = select(notifications.c.id).where(notifications.c.read_at < read_before).limit(limit)
        ids = (await self._tx.execute(old)).scalars().all()
        if ids:
            await self._tx.execute(delete(notifications).where(notifications.c.id.in_(ids)))
        return len(ids)


_MUTED = Prepared(select(mutes.c.kind).where(mutes.c.user_id == bindparam("user"), mutes.c.kind == bindparam("kind")))


class SqlMutes:
    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def muted(self, user_id: UUID, kind: MailKind) -> bool:
        return (await self._tx.run(_MUTED, {"user": user_id, "kind": kind})).first() is not None

    async def replace(self, user_id: UUID, kinds: frozenset[MailKind]) -> None:
        await self._tx.execute(delete(mutes).where(mutes.c.user_id == user_id))
        if kinds:
            await self._tx.execute(insert(mutes), [{"user_id": user_id, "kind": kind} for kind in sorted(kinds)])
