"""The reads of this context."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from caddy_shopping.contexts.notifications.application.views import (
    EmailView,
    NotificationView,
    PreferencesView,
    UnreadCount,
)
from caddy_shopping.contexts.notifications.domain.email import EmailStatus
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.paging import PageRequest, Slice


class NotificationQueries(Protocol):
    """Reads of the actor's own things raise `Unauthenticated` for nobody; those of mails take a permission."""

    async def notifications(self, actor: Actor, page: PageRequest, *, unread: bool) -> Slice[NotificationView]:
        """The actor's notifications, newest first; with `unread` only those not yet read."""
        ...

    async def unread_count(self, actor: Actor) -> UnreadCount: ...

    async def preferences(self, actor: Actor) -> PreferencesView: ...

    async def emails(
        self, actor: Actor, page: PageRequest, *, status: EmailStatus | None, address: str | None
    ) -> Slice[EmailView]:
        """All mails, newest first. Raises `PermissionMissing` without `notifications:manage`."""
        ...

    async def email(self, actor: Actor, email_id: UUID) -> EmailView:
        """Raises `EmailNotFound`, `PermissionMissing`."""
        ...

    async def any_due(self, now: datetime) -> bool:
        """Whether a mail waits to be sent."""
        ...
