"""A mail on its way out: queued, sent, or given up."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.kernel.ids import new_id

MAX_ATTEMPTS = 8
LEASE = timedelta(minutes=5)
"""How long a batch belongs to the process that claimed it. No batch may still be sending after that."""
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=6)


class EmailStatus(StrEnum):
    """QUEUED waits for `next_attempt_at`; SENT and FAILED are the ends."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Email:
    """A mail as it is queued: what to say, not yet the words. `data` fills the templates.

    `message_id` (RFC 5322 §3.6.4) is derived from `id`, so that every attempt carries the same one.
    """

    id: UUID
    user_id: UUID
    address: str
    kind: MailKind
    language: str
    data: dict[str, Any]
    message_id: str
    created_at: datetime
    attempts: int = 0

    @classmethod
    def queue(
        cls,
        user_id: UUID,
        address: str,
        kind: MailKind,
        language: str,
        data: dict[str, Any],
        domain: str,
        now: datetime,
    ) -> "Email":
        """A new mail; `domain` is the right-hand side of its Message-ID."""
        email_id = new_id()
        return cls(email_id, user_id, address, kind, language, data, f"<{email_id}@{domain}>", now)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `error` is None for a mail that was taken; `permanent` means never again."""

    email: Email
    error: str | None = None
    permanent: bool = False

    @property
    def sent(self) -> bool:
        return self.error is None

    @property
    def final(self) -> bool:
        """Whether a mail that was not taken is given up."""
        return self.permanent or self.email.attempts >= MAX_ATTEMPTS


def next_attempt(attempts: int, now: datetime) -> datetime:
    """When to try again after `attempts` failures: 30 s, 90 s, 4.5 min … 6 h, less up to half at random.

    The randomness keeps mails that failed together from coming back together.
    """
    pause: timedelta = min(_FIRST_PAUSE * 3 ** (attempts - 1), _LONGEST_PAUSE)
    return now + pause * random.uniform(0.5, 1.0)


class Emails(Protocol):
    """The queue of mails."""

    async def add(self, email: Email) -> None: ...

    async def claim(self, batch: UUID, now: datetime, limit: int) -> list[Email]:
        """Take up to `limit` due mails for `batch` until `now + LEASE`, oldest first; counts an attempt of each.

        A mail is in one batch at a time, however many processes ask.
        """
        ...

    async def settle(self, batch: UUID, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Write down what became of the batch's mails; a mail that is another batch's by now is left alone."""
        ...

    async def requeue(self, email_id: UUID, now: datetime) -> None:
        """Start over with a mail that failed or waits. Raises `EmailNotFound`, `EmailNotRetryable`."""
        ...

    async def purge(self, sent_before: datetime, limit: int) -> int:
        """Forget up to `limit` mails that were sent before; how many."""
        ...
