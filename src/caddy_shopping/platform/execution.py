"""What is being executed right now: the request or event whose marks the unit of work must leave.

The executor sets it, the unit of work reads it; handlers know nothing of it.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from caddy_shopping.kernel.actor import Actor


@dataclass(slots=True)
class Claim:
    """An Idempotency-Key that this execution holds until it answers; `owner` fences late writers."""

    scope: str
    key: str
    owner: UUID
    render: Callable[[Any], "Rendered"]
    rendered: "Rendered | None" = None
    resumed: bool = False
    """Taken over from a request that was cut short."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer as it went over the wire, to be replayed byte for byte."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way into one consumer."""

    consumer: str
    event_id: UUID


@dataclass(slots=True)
class Execution:
    """One run of one handler. `open_units` counts open transactions: no remote call while it is not 0."""

    operation: str
    claim: Claim | None = None
    delivery: Delivery | None = None
    delivered: bool = False
    together: bool = False
    """Whether its transaction may be shared with other deliveries."""
    open_units: int = field(default=0)


execution: ContextVar[Execution | None] = ContextVar("execution", default=None)
acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
"""On whose behalf the running code acts; it travels with calls of other contexts."""
