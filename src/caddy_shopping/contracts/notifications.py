"""What the notifications context publishes to the others."""

from typing import ClassVar
from uuid import UUID

from caddy_shopping.kernel.events import Event


class EmailSent(Event, frozen=True, kw_only=True):
    """A mail was handed to the mail server (or written to the `outbox` folder)."""

    topic: ClassVar[str] = "notifications"
    email_id: UUID
    template: str

    @property
    def key(self) -> UUID:
        return self.email_id
