"""An event on its way: what the outbox row, the in-process bus and a Kafka record have in common."""

import builtins
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from caddy_shopping.kernel.events import Event

E = TypeVar("E", bound=Event)


class Envelope(msgspec.Struct, frozen=True):
    """`seq` orders the events of one context; `payload` is the event's JSON; `origin` is where it lay on Kafka."""

    seq: int
    event_id: UUID
    topic: str
    type: str
    schema_version: int
    key: UUID
    payload: bytes
    occurred_at: datetime
    traceparent: str | None = None
    origin: str = ""

    def open(self, shape: builtins.type[E]) -> E:
        """The event itself. Raises `msgspec.ValidationError` where the payload is not one."""
        return msgspec.json.decode(self.payload, type=shape)
