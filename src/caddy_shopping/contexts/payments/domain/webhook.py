"""A webhook that was received: kept before it is acted upon, so that none is lost and none counts twice."""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

MAX_ATTEMPTS = 12
"""After so many failures (about a day) a webhook waits for a person."""


class ReceivedWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the inbox. `notice` is what the provider's body says, in our words, as JSON.

    `retry_at` is when the sweep takes it up, unless it was processed by then.
    """

    id: UUID
    provider: str
    event_id: str
    type: str
    payment_id: UUID | None
    body: bytes
    notice: bytes
    received_at: datetime
    retry_at: datetime


class PendingWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that is still to be processed."""

    id: UUID
    provider: str
    attempts: int
    notice: bytes


def pause(attempts: int) -> timedelta:
    """How long to leave a webhook alone that failed `attempts` times: 10 s, doubled each time, 6 h at most."""
    return timedelta(seconds=min(10 * 2**attempts, 21_600))


class Webhooks(Protocol):
    async def knows(self, provider: str, event_id: str) -> bool: ...

    async def add(self, webhook: ReceivedWebhook) -> None:
        """Raises what the unique (provider, event_id) says to a duplicate; the executor asks again then."""
        ...

    async def take(self, webhook_id: UUID, now: datetime) -> bool:
        """Mark it as processed in this transaction. False where it was before: its effect is there."""
        ...

    async def failed(self, webhook_id: UUID, error: str, retry_at: datetime) -> None:
        """Note why it could not be processed, and when to try again."""
        ...

    async def purge(self, processed_before: datetime, limit: int) -> int:
        """Forget up to `limit` that were processed before; how many. What still waits stays."""
        ...
