"""What became of the events, and of what was answered."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from caddy_shopping.contexts.notifications.interface import events as notifications
from caddy_shopping.contexts.orders.interface import events as orders
from caddy_shopping.contexts.payments.interface import events as payments
from caddy_shopping.contexts.products.interface import events as products
from caddy_shopping.main.verify.ledger.books import Books, ident

CONTEXTS = ("users", "products", "orders", "payments", "notifications")
NO_TRACE = {"payments.order-cancelled"}
"""Reactions that write nothing, not even an inbox row, where there is nothing to do; `money` looks at their effect."""


def events(books: Books) -> Iterator[str]:
    """Each committed event was published, and each consumer of it has taken it."""
    for topic in CONTEXTS:
        for row in books.ask(f"SELECT type, event_id FROM {topic}_outbox WHERE published_at IS NULL"):  # noqa: S608
            yield f"event {row.type} {ident(row.event_id)}: not published"
        for row in books.ask(f"SELECT consumer, type, error FROM {topic}_dead_letters"):  # noqa: S608
            yield f"event {row.type}: dead letter of {row.consumer}: {row.error}"
    for (topic, kind), names in reactions().items():
        for name in names:
            for row in books.ask(_UNHEARD.format(topic=topic, inbox=name.partition(".")[0]), name=name, kind=kind):
                yield f"event {kind} {ident(row.event_id)}: published, but {name} never had it"


_UNHEARD = """
    SELECT o.event_id FROM {topic}_outbox o LEFT JOIN {inbox}_inbox i ON i.event_id = o.event_id AND i.consumer = :name
     WHERE o.type = :kind AND o.published_at IS NOT NULL AND i.event_id IS NULL
"""


def reactions() -> dict[tuple[str, str], list[str]]:
    """Who reacts to which event, as the contexts themselves say."""

    class Anything:
        def __getattr__(self, name: str) -> None:
            return None

    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    everything: Any = Anything()
    for context in (products, orders, payments, notifications):
        for consumer in context.consumers(everything):
            if consumer.name not in NO_TRACE:
                found[consumer.event.topic, consumer.event.__name__].append(consumer.name)
    return found


def news(books: Books) -> Iterator[str]:
    """Each order's buyer heard of each thing that happened to it once: in the shop, and by mail unless muted."""
    mutes = {(row.user_id, row.kind) for row in books.ask("SELECT user_id, kind FROM notifications_mutes")}
    heard: Counter[tuple[str, str]] = Counter()
    for row in books.ask("SELECT kind, data FROM notifications WHERE kind LIKE 'order%'"):
        heard[json.loads(row.data)["order_id"], row.kind] += 1
    due, free = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in books.ask(_HAPPENED):
        order_id = str(ident(row.id))
        for kind in row._fields[4:]:
            times = int(getattr(row, kind))
            if heard[order_id, kind] != times:
                yield f"order {row.number}: {heard[order_id, kind]} notices '{kind}', should be {times}"
            (free if (row.user_id, kind) in mutes else due)[row.email, kind] += times
    mails: Counter[tuple[str, str]] = Counter()
    for row in books.ask("SELECT address, template FROM notifications_emails WHERE template LIKE 'order%'"):
        mails[row.address, row.template] += 1
    for address, kind in due | free | mails:
        least, sent = due[address, kind], mails[address, kind]
        if not least <= sent <= least + free[address, kind]:
            yield f"mail to {address}: {sent} of '{kind}', should be {least}"


_HAPPENED = """
    SELECT o.id, o.number, o.email, o.user_id, 1 AS order_placed, o.paid_at IS NOT NULL AS order_paid,
           o.carrier IS NOT NULL AS order_shipped, o.cancel_reason IS NOT NULL AS order_cancelled,
           (SELECT COUNT(*) FROM order_refunds r WHERE r.order_id = o.id AND r.status = 'DONE') AS order_refunded
      FROM orders o
"""


def promises(books: Books) -> Iterator[str]:
    """What an Idempotency-Key was answered with is there."""
    for context, table in (("orders", "orders"), ("payments", "payments")):
        known = {ident(row.id) for row in books.ask(f"SELECT id FROM {table}")}  # noqa: S608
        for row in books.ask(
            f"SELECT idempotency_key, body FROM {context}_idempotency WHERE status = 201 AND scope LIKE :scope",  # noqa: S608
            scope=f"% POST /api/v1/{table}",
        ):
            if UUID(json.loads(row.body)["data"]["id"]) not in known:
                yield f"key {row.idempotency_key}: it was answered, but there is no such thing in {table}"
    for row in books.ask(
        """SELECT o.number FROM orders o LEFT JOIN order_claims c ON c.order_id = o.id AND c.outcome = 'placed'
            WHERE c.order_id IS NULL"""
    ):
        yield f"order {row.number}: it stands, but its id was never claimed for it"
