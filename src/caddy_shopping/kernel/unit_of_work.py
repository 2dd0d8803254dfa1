"""What a use case may ask of its one database transaction."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from caddy_shopping.kernel.events import Event

Answer = TypeVar("Answer")
Tx = TypeVar("Tx")

UnitOfWork = Callable[[], AbstractAsyncContextManager[Tx]]
"""Opens one transaction of one context: `async with self.uow() as tx`. Commits on clean exit."""


class Transaction(Protocol):
    """The part that every context's transaction has; each adds its repositories (`tx.orders`)."""

    @property
    def resumed(self) -> bool:
        """Whether an earlier request with this Idempotency-Key was cut short: part of it may be done."""
        ...

    def publish(self, event: Event) -> None:
        """Write `event` to the outbox in this transaction (for facts without an aggregate)."""
        ...

    def reply(self, answer: Answer) -> Answer:
        """Commit `answer` as *the* answer to the request's Idempotency-Key, and return it."""
        ...
