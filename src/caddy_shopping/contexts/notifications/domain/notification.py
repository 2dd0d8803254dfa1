"""A line in a person's list of news."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from caddy_shopping.contexts.notifications.domain.kinds import MailKind, NoticeKind


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that happened to `user_id`; its words are found when it is read (`domain.texts`)."""

    id: UUID
    user_id: UUID
    kind: NoticeKind
    data: dict[str, Any]
    created_at: datetime
    read_at: datetime | None = None


class Notifications(Protocol):
    async def add(self, notification: Notification) -> None: ...

    async def mark_read(self, user_id: UUID, notification_id: UUID, now: datetime) -> Notification:
        """Raises `NotificationNotFound`, for somebody else's too. The first reading's time stands."""
        ...

    async def mark_all_read(self, user_id: UUID, now: datetime) -> int:
        """How many were unread."""
        ...

    async def move(self, from_user: UUID, to_user: UUID) -> None: ...

    async def purge(self, read_before: datetime, limit: int) -> int:
        """Forget up to `limit` that were read before; how many."""
        ...


class Mutes(Protocol):
    """Which kinds of mail a person has switched off; what is not listed is on."""

    async def muted(self, user_id: UUID, kind: MailKind) -> bool: ...

    async def replace(self, user_id: UUID, kinds: frozenset[MailKind]) -> None: ...
