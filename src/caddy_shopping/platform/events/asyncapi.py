"""The events as an AsyncAPI 3.0 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""

from collections.abc import Iterable, Mapping, Sequence
from inspect import getdoc
from types import ModuleType
from typing import Any

import msgspec

from caddy_shopping.kernel.events import Event
from caddy_shopping.platform.events.dead_letters import DEAD_LETTERS

_SCHEMAS = "#/components/schemas/"
_HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "What a consumer needs to know before it reads the payload. All values are text.",
    "properties": {
        "event-id": {
            "type": "string",
            "format": "uuid",
            "description": "The same at each delivery: what an inbox keeps.",
        },
        "type": {"type": "string", "description": "The message's name here."},
        "schema-version": {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "Counts incompatible changes of the payload.",
        },
        "occurred-at": {"type": "string", "format": "date-time"},
        "traceparent": {"type": "string", "description": "The trace that caused it (W3C Trace Context)."},
    },
    "required": ["event-id", "type", "schema-version", "occurred-at"],
}
_LETTER_HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "Those of the event, where it was one, and why it lies here.",
    "properties": {
        "consumer": {"type": "string", "description": "Who gave up on it."},
        "error": {"type": "string"},
        "attempts": {"type": "string", "pattern": "^[0-9]+$"},
        "origin": {"type": "string", "description": "Topic, partition and offset, e.g. `orders[3]@42`."},
    },
    "required": ["consumer", "error", "attempts", "origin"],
}
_ABOUT = """What the contexts of the shop tell each other, after it was committed.

Delivery is at least once, in order per key (the aggregate's id): keep the `event-id` of what was handled, in the same
transaction as its effect. New fields may come; what is incompatible raises `schema-version`.
"""


def events_of(contract: ModuleType) -> list[type[Event]]:
    """The events that a contract module declares, in its order, without the bases they share."""
    declared = [each for each in vars(contract).values() if isinstance(each, type) and issubclass(each, Event)]
    own = [each for each in declared if each.__module__ == contract.__name__]
    return [each for each in own if not any(each in other.__bases__ for other in own)]


def asyncapi(
    title: str, version: str, contracts: Sequence[ModuleType], dead_letters: str = DEAD_LETTERS
) -> dict[str, Any]:
    """A channel for each contract's topic, with a message for each event; and one for dead letters."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    every: list[type[Event]] = []
    for contract in contracts:
        events = events_of(contract)
        topic = events[0].topic
        every += events
        names = [event.__name__ for event in events]
        channels[topic] = _channel(topic, f"What {topic} tells the others.", names)
        operations[f"send-{topic}"] = _sending(topic, names)
    channels[dead_letters] = _channel(dead_letters, "What a consumer could not take.", ["DeadLetter"])
    operations[f"send-{dead_letters}"] = _sending(dead_letters, ["DeadLetter"])
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version, "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": _messages(every), "schemas": _schemas(every)},
    }


def _channel(topic: str, description: str, names: Iterable[str]) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {"address": topic, "description": description, "messages": messages}


def _sending(topic: str, names: Iterable[str]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in names],
    }


def _messages(events: Iterable[type[Event]]) -> Mapping[str, Any]:
    key = {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": "0.5.0"}}
    found: dict[str, Any] = {
        event.__name__: {
            "name": event.__name__,
            "summary": _summary(event),
            "headers": {"$ref": f"{_SCHEMAS}Headers"},
            "payload": {"$ref": f"{_SCHEMAS}{event.__name__}"},
            "bindings": key,
            "x-schema-version": event.schema_version,
        }
        for event in events
    }
    letter = {"name": "DeadLetter", "summary": "An event or record, as it was.", "payload": {}}
    return {**found, "DeadLetter": {**letter, "headers": {"$ref": f"{_SCHEMAS}DeadLetterHeaders"}}}


def _summary(event: type[Event]) -> str:
    """Its own words, or those of the base that it shares with others."""
    return " ".join((getdoc(event) or event.__name__).split())


def _schemas(events: Sequence[type[Event]]) -> Mapping[str, Any]:
    _, schemas = msgspec.json.schema_components(events, ref_template=_SCHEMAS + "{name}")
    return {"Headers": _HEADERS, "DeadLetterHeaders": _LETTER_HEADERS, **schemas}
