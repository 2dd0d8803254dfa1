"""What the context answers with."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from caddy_shopping.contexts.notifications.domain.email import EmailStatus
from caddy_shopping.contexts.notifications.domain.kinds import MailKind, NoticeKind
from caddy_shopping.contexts.notifications.domain.notification import Notification
from caddy_shopping.contexts.notifications.domain.texts import words


class NotificationView(msgspec.Struct, frozen=True, rename="camel"):
    """`title` and `body` are in the reader's language; `readAt` is null as long as it is unread."""

    id: UUID
    kind: NoticeKind
    title: Annotated[str, msgspec.Meta(examples=["Order 2603-0007 paid"])]
    body: Annotated[str, msgspec.Meta(examples=["We received 99.99 CNY and are getting your parcel ready."])]
    created_at: datetime
    read_at: datetime | None
    order_id: Annotated[UUID | None, msgspec.Meta(description="The order that it is about, if any.")]

    @classmethod
    def of(cls, notification: Notification, language: str) -> "NotificationView":
        title, body = words(notification.kind, notification.data, language)
        order = notification.data.get("order_id")
        return cls(
            notification.id,
            notification.kind,
            title,
            body,
            notification.created_at,
            notification.read_at,
            UUID(order) if order else None,
        )


class UnreadCount(msgspec.Struct, frozen=True):
    unread: Annotated[int, msgspec.Meta(examples=[3])]


class ReadCount(msgspec.Struct, frozen=True):
    marked: Annotated[int, msgspec.Meta(examples=[3], description="How many were unread until now.")]


class PreferencesView(msgspec.Struct, frozen=True):
    """Which kinds of e-mail a person gets, and which of them nobody can do without."""

    email: Annotated[dict[MailKind, bool], msgspec.Meta(examples=[{"order_paid": True, "order_shipped": False}])]
    always: list[MailKind]

    @classmethod
    def without(cls, off: frozenset[MailKind]) -> "PreferencesView":
        return cls({kind: kind not in off for kind in MailKind}, [kind for kind in MailKind if kind.always])


class EmailView(msgspec.Struct, frozen=True, rename="camel"):
    """An e-mail as staff see it: never its content, which may let its reader into an account."""

    id: UUID
    user_id: UUID
    address: str
    kind: MailKind
    language: str
    status: EmailStatus
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    message_id: str
    created_at: datetime
    sent_at: datetime | None
