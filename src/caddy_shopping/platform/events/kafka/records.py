"""An event as a Kafka record: the key is its aggregate, the value its JSON, the headers say the rest."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from confluent_kafka import Message

from caddy_shopping.platform.events.envelope import Envelope

# In quotes: only its stub is generic.
Record: TypeAlias = "Message[bytes, bytes]"


class UnreadableRecord(ValueError):
    """Nobody of ours wrote that."""


def headers_of(event: Envelope) -> dict[str, str]:
    """What consumers need to know before they read the value."""
    headers = {
        "event-id": str(event.event_id),
        "type": event.type,
        "schema-version": str(event.schema_version),
        "occurred-at": event.occurred_at.isoformat(),
    }
    if event.traceparent is not None:
        headers["traceparent"] = event.traceparent
    return headers


def key_of(event: Envelope) -> bytes:
    """The aggregate's id as text: what keeps its events in one partition."""
    return str(event.key).encode()


def kind_of(message: Record) -> str:
    """The event's type, or "" where the record does not say it."""
    for name, value in _pairs(message):
        if name == "type" and isinstance(value, bytes):
            return value.decode(errors="replace")
    return ""


def texts_of(message: Record) -> dict[str, str]:
    """All headers. Raises `ValueError` where one is no text."""
    return {name: value.decode() for name, value in _pairs(message) if isinstance(value, bytes)}


def envelope_of(message: Record, topic: str) -> Envelope:
    """The event that a record carries; `seq` is its offset. Raises `UnreadableRecord`."""
    key, value = message.key(), message.value()
    try:
        headers = texts_of(message)
        if key is None or value is None:
            raise UnreadableRecord("it has no key, or no value")
        return Envelope(
            seq=message.offset() or 0,
            event_id=UUID(headers["event-id"]),
            topic=topic,
            type=headers["type"],
            schema_version=int(headers["schema-version"]),
            key=UUID(key.decode()),
            payload=value,
            occurred_at=datetime.fromisoformat(headers["occurred-at"]),
            traceparent=headers.get("traceparent"),
            origin=origin_of(message),
        )
    except (KeyError, ValueError) as fault:
        raise UnreadableRecord(f"{origin_of(message)}: {fault!r}") from fault


def origin_of(message: Record) -> str:
    """Where a record lies: `orders[3]@42` (topic, partition, offset)."""
    return f"{message.topic()}[{message.partition()}]@{message.offset()}"


def _pairs(message: Record) -> list[tuple[str, Any]]:
    headers = message.headers() or []
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers)
