"""One-time tokens that travel in mails: whoever sends one back reads that mailbox."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Purpose(StrEnum):
    CONFIRM_EMAIL = "confirm_email"
    RESET_PASSWORD = "reset_password"


@dataclass(frozen=True, slots=True)
class MailToken:
    """`digest` is the SHA-256 of what is in the mail."""

    digest: bytes
    user_id: UUID
    purpose: Purpose
    created_at: datetime
    expires_at: datetime


class MailTokens(Protocol):
    """The outstanding mail tokens of one transaction. Writes take effect at once."""

    async def replace(self, token: MailToken) -> None:
        """Keep `token` and forget earlier ones of its user and purpose: only the newest mail works."""
        ...

    async def take(self, digest: bytes, purpose: Purpose, now: datetime) -> UUID:
        """Use a token up and say whose it was. Raises `MailTokenInvalid`."""
        ...

    async def forget(self, user_id: UUID, purpose: Purpose) -> None:
        """Make every outstanding token of a user and purpose worthless."""
        ...

    async def purge(self, expired_before: datetime, limit: int) -> int:
        """Forget up to `limit` tokens that ran out before; how many there were."""
        ...
