"""What consumers elsewhere rely on changes on purpose only: `make openapi` takes a change over."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.main.document import asyncapi_document
from caddy_shopping.main.events_document import CONTRACTS, events_document
from caddy_shopping.main.verify.ledger.events import reactions
from caddy_shopping.platform.events.asyncapi import events_of
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.kafka.records import headers_of
from caddy_shopping.platform.http.events_page import events_page
from tests.architecture.test_openapi_snapshot import differences

SNAPSHOT = Path(__file__).parent / "asyncapi.json"


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolved(document: Any, reference: str) -> Any:
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_the_document_is_the_one_in_the_snapshot() -> None:
    document = asyncapi_document()
    changed = differences(json.loads(SNAPSHOT.read_bytes()), json.loads(document))
    assert changed == [], "meant? then run `make openapi`; what is incompatible raises the event's schema_version"
    assert document == SNAPSHOT.read_bytes(), "the same content, written in another order: run `make openapi`"


def test_every_reference_leads_somewhere() -> None:
    document = events_document()
    found = list(references(document))
    assert found
    for reference in found:
        resolved(document, reference)


def test_every_event_that_somebody_reacts_to_is_a_message_of_its_topic() -> None:
    channels = events_document()["channels"]
    for topic, kind in reactions():
        assert kind in channels[topic]["messages"]


def test_bases_are_no_events() -> None:
    names = {event.__name__ for contract in CONTRACTS for event in events_of(contract)}
    assert "OrderPlaced" in names
    assert not names & {"Event", "OrderEvent", "PaymentEvent", "ProductEvent", "UserEvent"}


def test_the_headers_are_those_that_are_sent() -> None:
    said = events_document()["components"]["schemas"]["Headers"]
    event = Envelope(1, new_id(), "orders", "OrderPaid", 1, new_id(), b"{}", datetime.now(UTC), "00-1-2-01")
    assert headers_of(event).keys() == said["properties"].keys()
    assert set(said["required"]) == said["properties"].keys() - {"traceparent"}


def test_the_page_has_every_event_at_an_anchor_of_its_own() -> None:
    page = events_page(events_document())
    for contract in CONTRACTS:
        for event in events_of(contract):
            assert page.count(f'<article id="{event.__name__}">') == 1
    assert "<script" not in page
    assert "//" not in page.replace("<!doctype", ""), "it needs nothing from elsewhere"
