"""The books of a whole shop, checked against each other from outside: read-only SQL on its database.

`reconcile` answers with one line for each breach, and with none where everything adds up. It may look at
a running shop too; what is on its way at that moment (an event not yet delivered, a webhook not yet
processed) is then a breach that goes away.
"""

import json
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from caddy_shopping.contexts.notifications.interface import events as notifications
from caddy_shopping.contexts.orders.interface import events as orders
from caddy_shopping.contexts.payments.infrastructure.sandbox.methods import METHODS
from caddy_shopping.contexts.payments.interface import events as payments
from caddy_shopping.contexts.products.interface import events as products

CONTEXTS = ("users", "products", "orders", "payments", "notifications")
SHELF = {
    "PENDING_PAYMENT": ("held", "claimed"),
    "PAID": ("sold",),
    "SHIPPED": ("sold",),
    "COMPLETED": ("sold",),
    "CANCELLED": ("released",),
}
"""Where the goods of an order must lie, by its state; one that was cancelled and REFUNDED is `CANCELLED` here."""
NO_TRACE = {"payments.order-cancelled"}
"""Reactions that write nothing, not even an inbox row, where there is nothing to do; `money` looks at their effect."""
TOLD = [name for name, script in METHODS.items() if "payment.succeeded" in script.tells]
"""Methods of the sandbox whose success is told by webhook."""


def reconcile(data_dir: Path) -> list[str]:
    """Every breach in the books of the shop in `data_dir`, from one snapshot of its database."""
    with closing(read_only(data_dir)) as books:
        books.execute("BEGIN")
        return [breach for check in CHECKS for breach in check(books)]


def read_only(data_dir: Path) -> sqlite3.Connection:
    """The shop's database, which this connection cannot change."""
    connection = sqlite3.connect(f"file:{data_dir / 'shop.db'}?mode=ro", uri=True, isolation_level=None, timeout=10)
    connection.row_factory = sqlite3.Row
    return connection


def shelf(books: sqlite3.Connection) -> Iterator[str]:
    """Stock, reserved and sold of each variant follow from the ledger of changes and from the reservations.

    `gone` is what was ever sold, also where it came back since: each such piece is in the ledger, as returned
    or as cancelled. `kept` is what the orders say that their buyers have: so no piece came back twice.
    (A shop forgets released reservations after a month; this is for younger ones.)
    """
    rows = books.execute(
        """
        WITH ledger AS (
            SELECT variant_id AS id, SUM(delta) AS came,
                   SUM(CASE WHEN reference LIKE 'return:%' OR reference LIKE 'order:%' THEN delta ELSE 0 END) AS back
              FROM product_stock_movements GROUP BY variant_id),
        taken AS (
            SELECT l.variant_id AS id, SUM(CASE WHEN r.state IN ('held', 'claimed') THEN l.taken ELSE 0 END) AS waiting,
                   SUM(CASE WHEN r.state = 'sold' OR (r.state = 'released' AND o.paid_at IS NOT NULL)
                            THEN l.taken ELSE 0 END) AS gone,
                   SUM(CASE WHEN r.state = 'sold' AND l.taken > 0 THEN l.taken - COALESCE(w.n, 0) ELSE 0 END) AS kept
              FROM product_reservation_lines l JOIN product_reservations r ON r.order_id = l.order_id
              LEFT JOIN orders o ON o.id = l.order_id
              LEFT JOIN (SELECT order_id, variant_id, SUM(restocked) AS n FROM order_lines GROUP BY 1, 2) w
                ON w.order_id = l.order_id AND w.variant_id = l.variant_id
             GROUP BY l.variant_id)
        SELECT v.sku, v.stock, v.reserved, v.sold, COALESCE(came, 0) AS came, COALESCE(back, 0) AS back,
               COALESCE(waiting, 0) AS waiting, COALESCE(gone, 0) AS gone, COALESCE(kept, 0) AS kept
          FROM product_variants v LEFT JOIN ledger ON ledger.id = v.id LEFT JOIN taken ON taken.id = v.id
        """
    )
    for row in rows:
        where = f"variant {row['sku']}"
        if min(row["stock"], row["reserved"], row["sold"]) < 0:
            yield f"{where}: below zero: stock {row['stock']}, reserved {row['reserved']}, sold {row['sold']}"
        left = row["came"] - row["waiting"] - row["gone"]
        if row["stock"] != left:
            yield f"{where}: stock is {row['stock']}, should be {left}"
        if row["reserved"] != row["waiting"]:
            yield f"{where}: reserved is {row['reserved']}, should be {row['waiting']}"
        sold = row["gone"] - row["back"]
        if row["sold"] != sold:
            yield f"{where}: sold is {row['sold']}, should be {sold}"
        if row["sold"] != row["kept"]:
            yield f"{where}: sold is {row['sold']}, the orders have {row['kept']}"


def reservations(books: sqlite3.Connection) -> Iterator[str]:
    """Each order has its goods where its state says, and no goods wait for an order that will never be."""
    for row in books.execute(
        """SELECT o.number, r.state, CASE WHEN o.cancel_reason IS NULL THEN o.status ELSE 'CANCELLED' END AS status
             FROM orders o LEFT JOIN product_reservations r ON r.order_id = o.id"""
    ):
        # A refund leaves the goods where they were.
        if row["state"] not in SHELF.get(row["status"], ("sold",)):
            yield f"order {row['number']}: {row['status']}, but its reservation is {row['state']}"
    for row in books.execute(
        """SELECT r.order_id FROM product_reservations r LEFT JOIN orders o ON o.id = r.order_id
            WHERE o.id IS NULL AND NOT (r.state = 'released' OR (r.state = 'held' AND r.expires_at > ?))""",
        (_now(),),
    ):
        yield f"reservation {_id(row[0])}: there is no such order, and its deadline is over"
    for row in books.execute(
        """WITH wanted AS (SELECT order_id, variant_id, SUM(quantity) AS n FROM order_lines GROUP BY 1, 2)
           SELECT o.number FROM wanted w JOIN orders o ON o.id = w.order_id
             LEFT JOIN product_reservation_lines l ON l.order_id = w.order_id AND l.variant_id = w.variant_id
            WHERE l.quantity IS NULL OR l.quantity <> w.n"""
    ):
        yield f"order {row[0]}: its lines are not what was reserved for it"


def events(books: sqlite3.Connection) -> Iterator[str]:
    """Each committed event was published, and each consumer of it has taken it."""
    for topic in CONTEXTS:
        for row in books.execute(f"SELECT type, event_id FROM {topic}_outbox WHERE published_at IS NULL"):
            yield f"event {row['type']} {_id(row['event_id'])}: not published"
        for row in books.execute(f"SELECT consumer, type, error FROM {topic}_dead_letters"):
            yield f"event {row['type']}: dead letter of {row['consumer']}: {row['error']}"
    for (topic, kind), names in _reactions().items():
        for name in names:
            inbox = f"{name.partition('.')[0]}_inbox"
            for row in books.execute(
                f"""SELECT o.event_id FROM {topic}_outbox o
                      LEFT JOIN {inbox} i ON i.event_id = o.event_id AND i.consumer = ?
                     WHERE o.type = ? AND o.published_at IS NOT NULL AND i.event_id IS NULL""",
                (name, kind),
            ):
                yield f"event {kind} {_id(row[0])}: published, but {name} never had it"


def _reactions() -> dict[tuple[str, str], list[str]]:
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


def money(books: sqlite3.Connection) -> Iterator[str]:
    """What was captured for an order is what the order knows of: its price once, and what went straight back."""
    for row in books.execute(
        """
        SELECT o.number, o.status, o.total_amount AS total, o.paid_amount AS paid, o.refunded_amount AS refunded,
               (SELECT COALESCE(SUM(captured_amount), 0) FROM payments p WHERE p.order_id = o.id) AS captured,
               (SELECT COUNT(*) FROM payments p WHERE p.id = o.payment_id AND p.order_id = o.id
                   AND p.status = 'SUCCEEDED' AND p.captured_amount = o.paid_amount) AS own,
               (SELECT COALESCE(SUM(amount), 0) FROM (SELECT MAX(amount) AS amount FROM order_refunds r
                 WHERE r.order_id = o.id AND r.surplus GROUP BY r.payment_id)) AS surplus,
               (SELECT COALESCE(SUM(amount), 0) FROM order_refunds r
                 WHERE r.order_id = o.id AND NOT r.surplus AND r.status = 'DONE') AS back,
               (SELECT COALESCE(SUM(total_amount), 0) FROM order_lines l WHERE l.order_id = o.id)
                   + o.shipping_amount AS worth,
               (SELECT COUNT(*) FROM payments p WHERE p.order_id = o.id AND p.status IN ('CREATED', 'PENDING')) AS open
          FROM orders o
        """
    ):
        where = f"order {row['number']}"
        if row["total"] != row["worth"]:
            yield f"{where}: its total is {row['total']}, its lines and shipping are worth {row['worth']}"
        allowed = (row["total"],) if row["status"] in ("PAID", "SHIPPED", "COMPLETED") else (0, row["total"])
        if row["paid"] not in allowed:
            yield f"{where}: {row['status']}, paid {row['paid']} of {row['total']}"
        if row["paid"] and row["own"] != 1:
            yield f"{where}: paid, but its payment is not there or of another amount"
        if row["captured"] != row["paid"] + row["surplus"]:
            yield f"{where}: captured {row['captured']}, paid {row['paid']} and {row['surplus']} not due"
        if row["status"] == "CANCELLED" and row["open"]:
            yield f"{where}: cancelled, but a payment of it is still open"
        if row["refunded"] != row["back"]:
            yield f"{where}: refunded {row['refunded']}, its refunds come to {row['back']}"


def refunds(books: sqlite3.Connection) -> Iterator[str]:
    """Each refund that an order asked for is one refund of payments, in the same state and of the same amount."""
    for row in books.execute(
        """SELECT o.number, r.amount, r.status, p.total_amount, p.status AS made
             FROM order_refunds r JOIN orders o ON o.id = r.order_id LEFT JOIN payment_refunds p ON p.id = r.id
            WHERE p.id IS NULL OR p.total_amount <> r.amount OR p.status <> CASE r.status
                  WHEN 'DONE' THEN 'SUCCEEDED' ELSE r.status END"""
    ):
        yield (
            f"order {row['number']}: its refund is {row['status']} of {row['amount']}, "
            f"that of payments {row['made']} of {row['total_amount']}"
        )
    for row in books.execute(
        """SELECT p.id, p.refunded_amount, COALESCE(SUM(r.total_amount), 0) AS back FROM payments p
             LEFT JOIN payment_refunds r ON r.payment_id = p.id AND r.status <> 'FAILED'
            GROUP BY p.id HAVING p.refunded_amount <> back"""
    ):
        yield f"payment {_id(row['id'])}: refunded {row['refunded_amount']}, its refunds come to {row['back']}"


def provider(books: sqlite3.Connection) -> Iterator[str]:
    """What the (sandbox) provider took and gave back is what payments knows of."""
    told = ", ".join("?" * len(TOLD))
    for row in books.execute(
        f"""SELECT i.id, i.total_amount, p.status, p.captured_amount FROM sandbox_intents i
              LEFT JOIN payments p ON p.id = i.id
             WHERE i.voided_at IS NULL AND (i.captured_at IS NOT NULL OR (i.method IN ({told}) AND i.settles_at <= ?))
               AND (p.status IS NULL OR p.status <> 'SUCCEEDED' OR p.captured_amount <> i.total_amount)""",
        (*TOLD, _now()),
    ):
        yield (
            f"payment {_id(row['id'])}: the provider took {row['total_amount']}, "
            f"we know of {row['captured_amount']} ({row['status']})"
        )
    for row in books.execute(
        """SELECT p.id FROM payments p LEFT JOIN sandbox_intents i ON i.id = p.id
            WHERE p.provider = 'sandbox' AND p.status = 'SUCCEEDED' AND (i.id IS NULL OR i.voided_at IS NOT NULL)
           UNION ALL
           SELECT r.id FROM payment_refunds r LEFT JOIN sandbox_refunds s ON s.id = r.id
            WHERE r.status = 'SUCCEEDED' AND (s.id IS NULL OR s.failure IS NOT NULL OR s.total_amount <> r.total_amount)
        """
    ):
        yield f"payment or refund {_id(row[0])}: done, says payments, but the provider did not do it"


def news(books: sqlite3.Connection) -> Iterator[str]:
    """Each order's buyer heard of each thing that happened to it once: in the shop, and by mail unless muted."""
    mutes = {(row["user_id"], row["kind"]) for row in books.execute("SELECT user_id, kind FROM notifications_mutes")}
    heard: Counter[tuple[str, str]] = Counter()
    for row in books.execute("SELECT kind, data FROM notifications WHERE kind LIKE 'order%'"):
        heard[json.loads(row["data"])["order_id"], row["kind"]] += 1
    due, free = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in books.execute(_HAPPENED):
        order_id = str(_id(row["id"]))
        for kind in row.keys()[4:]:
            if heard[order_id, kind] != row[kind]:
                yield f"order {row['number']}: {heard[order_id, kind]} notices '{kind}', should be {row[kind]}"
            (free if (row["user_id"], kind) in mutes else due)[row["email"], kind] += row[kind]
    mails: Counter[tuple[str, str]] = Counter()
    for row in books.execute("SELECT address, template FROM notifications_emails WHERE template LIKE 'order%'"):
        mails[row["address"], row["template"]] += 1
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


def promises(books: sqlite3.Connection) -> Iterator[str]:
    """What an Idempotency-Key was answered with is there."""
    for context, path, table in (("orders", "/api/v1/orders", "orders"), ("payments", "/api/v1/payments", "payments")):
        known = {row[0] for row in books.execute(f"SELECT id FROM {table}")}
        for row in books.execute(
            f"SELECT idempotency_key, body FROM {context}_idempotency WHERE status = 201 AND scope LIKE ?",
            (f"% POST {path}",),
        ):
            if UUID(json.loads(row["body"])["data"]["id"]).bytes not in known:
                yield f"key {row['idempotency_key']}: it was answered, but there is no such thing in {table}"
    for row in books.execute(
        """SELECT o.number FROM orders o LEFT JOIN order_claims c ON c.order_id = o.id AND c.outcome = 'placed'
            WHERE c.order_id IS NULL"""
    ):
        yield f"order {row[0]}: it stands, but its id was never claimed for it"


CHECKS: tuple[Callable[[sqlite3.Connection], Iterator[str]], ...] = (
    shelf,
    reservations,
    events,
    money,
    refunds,
    provider,
    news,
    promises,
)


def _now() -> int:
    """Microseconds, as SQLite keeps moments."""
    return int(time.time() * 1_000_000)


def _id(raw: bytes) -> UUID:
    return UUID(bytes=raw)
