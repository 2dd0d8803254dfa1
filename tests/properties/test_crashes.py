"""The process is killed again and again while people buy: afterwards everything that was promised is there, once."""

import asyncio
import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.properties.conftest import IMPATIENT, NewCaller
from tests.support.buyers import Patience, an_email, fill_cart, new_variant, order_of
from tests.support.engine import only_sqlite
from tests.support.ledger import read_only, reconcile
from tests.support.shop import Answer, Caller, Shop, callers, eventually

pytestmark = only_sqlite("a copy of the file is damaged")
CYCLES, BUYERS, VARIANTS, STOCK = 8, 6, 4, 500
ORDERS_BETWEEN = 3
"""Orders at the least between two kills."""
SEED = 7


@dataclass
class Aftermath:
    """What the shop had said to its buyers before the dust settled."""

    shop: Shop
    patience: Patience
    ordered: list[Any] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    refunded: dict[str, int] = field(default_factory=dict)
    kills: int = 0


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """A shop after `CYCLES` kills, started once more and left to settle."""
    shop = Shop(tmp_path_factory.mktemp("crashes"), IMPATIENT)
    try:
        shop.start("--no-demo")
        yield asyncio.run(trouble(shop))
    finally:
        shop.kill()


async def trouble(shop: Shop) -> Aftermath:
    story, closing_time = Aftermath(shop, Patience()), asyncio.Event()
    assert shop.admin is not None
    async with callers(shop) as new:
        admin = await new().sign_in(*shop.admin)
        variants = [await new_variant(admin, f"crash-{n}", STOCK, 100 + n) for n in range(VARIANTS)]
        crowd = [
            asyncio.create_task(shopper(story, new, admin, variants, random.Random(SEED + n), closing_time))
            for n in range(BUYERS)
        ]
        await kill_again_and_again(story)
        closing_time.set()
        await asyncio.gather(*crowd)
        await eventually(lambda: settled(shop), timeout=90)
    return story


async def kill_again_and_again(story: Aftermath) -> None:
    moments = random.Random(SEED)
    for _ in range(CYCLES):
        # By what was done and not by the clock alone, so that a slow machine is met at work too.
        enough = len(story.ordered) + ORDERS_BETWEEN
        async with asyncio.timeout(120):
            while len(story.ordered) < enough:
                await asyncio.sleep(0.01)
        await asyncio.sleep(moments.uniform(0.0, 0.5))
        await asyncio.to_thread(story.shop.kill)
        story.kills += 1
        await asyncio.to_thread(story.shop.start, "--no-demo")


async def settled(shop: Shop) -> bool:
    """No webhook is on its way any more (a kill makes some come late), and the books add up."""
    assert asks(shop, "SELECT count(*) FROM sandbox_webhooks WHERE delivered_at IS NULL") == [(0,)]
    assert asks(shop, "SELECT count(*) FROM payment_webhooks WHERE processed_at IS NULL") == [(0,)]
    assert reconcile(shop.data_dir) == []
    return True


async def shopper(
    story: Aftermath, new: NewCaller, admin: Caller, variants: list[str], dice: random.Random, closing: asyncio.Event
) -> None:
    """Buys until the shop closes; now and then cancels, paid or not, or wants some money back."""
    buyer = new()
    await guest(buyer, story.patience)
    while not closing.is_set():
        await fill_cart(buyer, *dice.sample(variants, dice.randint(1, 3)), patience=story.patience)
        order = await keyed(story, buyer, "/orders", order_of(an_email()))
        if order.status == 409:
            # An order whose answer was lost had emptied the cart, or an older line was gone: fill it again.
            continue
        assert order.status == 201, order
        story.ordered.append(order.data)
        order_id = order.data["id"]
        if dice.random() < 0.8:
            await pay(story, buyer, order_id)
        fate = dice.random()
        if fate < 0.3:
            answer = await keyed(story, buyer, f"/orders/{order_id}/cancel", {})
            assert answer.status == 200, answer
            story.cancelled.append(order_id)
        elif fate < 0.5 and order_id in story.paid:
            await some_money_back(story, admin, order.data)


async def pay(story: Aftermath, buyer: Caller, order_id: str) -> None:
    """Asks again where the payment was given up (a kill between our side of it and theirs, and a slow start)."""
    status = "VOIDED"
    while status == "VOIDED":
        answer = await keyed(story, buyer, "/payments", {"orderId": order_id, "method": "sandbox_ok"})
        assert answer.status == 201, answer
        status = answer.data["status"]
    story.paid.append(order_id)


async def guest(buyer: Caller, patience: Patience) -> None:
    async def sign_in() -> Answer:
        return await buyer.post("/auth/guest")

    answer = await patience.answer(sign_in)
    assert answer.status == 201, answer
    buyer.token = answer.data["accessToken"]


async def keyed(story: Aftermath, who: Caller, path: str, body: Any, if_match: int | None = None) -> Answer:
    """A POST that is sent with one key until it is answered."""
    key = an_email()
    return await story.patience.answer(lambda: who.post(path, body, key=key, if_match=if_match))


async def some_money_back(story: Aftermath, admin: Caller, order: Any) -> None:
    """Staff refunds one unit of money once the order is paid; somebody else's change in between is not our worry."""
    for _ in range(20):
        seen = await story.patience.answer(lambda: admin.get(f"/admin/orders/{order['id']}"))
        if seen.data["status"] == "PAID":
            break
        await asyncio.sleep(0.1)
    body = {"reason": "sorry", "amount": {"amount": 1, "currency": "CNY"}}
    version = seen.data["version"]
    answer = await keyed(story, admin, f"/admin/orders/{order['id']}/refund", body, version)
    if answer.status == 200:
        story.refunded[order["id"]] = 1


def asks(shop: Shop, question: str, *values: object) -> list[Any]:
    return [tuple(row) for row in read_only(shop.data_dir).execute(question, values)]


def test_there_was_trouble(aftermath: Aftermath) -> None:
    """Otherwise the rest proves nothing."""
    assert aftermath.kills >= CYCLES
    assert aftermath.patience.cut_off > 0
    assert len(aftermath.ordered) > 2 * CYCLES
    assert aftermath.cancelled
    assert aftermath.refunded


def test_every_order_that_was_promised_is_there_once(aftermath: Aftermath) -> None:
    stored = {row[0]: row[1:] for row in asks(aftermath.shop, "SELECT id, number, total_amount, status FROM orders")}
    for order in aftermath.ordered:
        number, total, _ = stored[UUID(order["id"]).bytes]
        assert (number, total) == (order["number"], order["total"]["amount"])
    # Nobody gave up before they were answered, so there is not one order more.
    assert len(stored) == len(aftermath.ordered)
    mails = Counter(row[0] for row in asks(aftermath.shop, _MAILS, "order_placed"))
    assert set(mails.values()) == {1}
    assert len(mails) == len(aftermath.ordered)


_MAILS = "SELECT address FROM notifications_emails WHERE template = ?"


def test_every_payment_has_its_effect_once(aftermath: Aftermath) -> None:
    status = {str(UUID(bytes=row[0])): row[1] for row in asks(aftermath.shop, "SELECT id, status FROM orders")}
    for order in aftermath.ordered:
        order_id = order["id"]
        if order_id in aftermath.cancelled:
            # Cancelled before the money came, or after: then the money went back.
            assert status[order_id] in ("CANCELLED", "REFUNDED")
        else:
            assert status[order_id] == ("PAID" if order_id in aftermath.paid else "PENDING_PAYMENT")
    captures = Counter(
        row[0] for row in asks(aftermath.shop, "SELECT order_id FROM payments WHERE captured_amount > 0")
    )
    assert set(captures.values()) == {1}
    paid_mails = asks(aftermath.shop, _MAILS, "order_paid")
    assert len(paid_mails) == asks(aftermath.shop, "SELECT COUNT(*) FROM orders WHERE paid_at IS NOT NULL")[0][0]
    assert set(Counter(paid_mails).values()) == {1}


def test_money_is_neither_lost_nor_made(aftermath: Aftermath) -> None:
    """What the provider holds is what the orders that stand are worth."""
    held = asks(
        aftermath.shop,
        """SELECT (SELECT SUM(total_amount) FROM sandbox_intents WHERE voided_at IS NULL AND method = 'sandbox_ok')
                - (SELECT SUM(total_amount) FROM sandbox_refunds WHERE failure IS NULL)""",
    )[0][0]
    back = sum(amount for order_id, amount in aftermath.refunded.items() if order_id not in aftermath.cancelled)
    totals = {order["id"]: order["total"]["amount"] for order in aftermath.ordered}
    assert held == sum(totals[each] for each in aftermath.paid if each not in aftermath.cancelled) - back


def test_no_piece_is_lost_nor_made(aftermath: Aftermath) -> None:
    rows = asks(aftermath.shop, "SELECT sku, stock, reserved, sold FROM product_variants ORDER BY sku")
    assert [sum(row[1:]) for row in rows] == [STOCK] * VARIANTS
    assert min(min(row[1:]) for row in rows) >= 0


async def test_the_books_add_up(aftermath: Aftermath) -> None:
    await eventually(lambda: settled(aftermath.shop), timeout=60)


async def test_what_is_marked_as_sent_lies_in_the_folder(aftermath: Aftermath) -> None:
    """Once each. (What a killed process had claimed is sent when its lease of minutes is over.)"""
    shop, free = (
        aftermath.shop,
        "SELECT COUNT(*) FROM notifications_emails WHERE status <> 'SENT' AND claimed_by IS NULL",
    )

    async def written() -> bool:
        return asks(shop, free) == [(0,)]

    await eventually(written, timeout=60)
    sent = {row[0] for row in asks(shop, "SELECT message_id FROM notifications_emails WHERE status = 'SENT'")}
    files = Counter(str(mail["Message-ID"]) for mail in shop.mails())
    assert set(files.values()) == {1}
    assert sent <= set(files)
    assert set(files) <= {row[0] for row in asks(shop, "SELECT message_id FROM notifications_emails")}


# Each kind of damage, done to a copy of the books: `reconcile` finds it.

_A_PAID = "(SELECT id FROM orders WHERE status = 'PAID' AND refunded_amount = 0 ORDER BY id LIMIT 1)"
_EVENT = "(SELECT event_id FROM orders_outbox WHERE type = 'OrderPaid' ORDER BY seq LIMIT 1)"
DAMAGE = {
    "an event was never published": (
        f"UPDATE orders_outbox SET published_at = NULL WHERE event_id = {_EVENT}",
        "not published",
    ),
    "an event never reached its consumer": (
        f"DELETE FROM notifications_inbox WHERE event_id = {_EVENT}",
        "notifications.order-paid never had it",
    ),
    "a notice is missing": (
        "DELETE FROM notifications WHERE id = (SELECT id FROM notifications WHERE kind = 'order_paid' LIMIT 1)",
        "0 notices 'order_paid', should be 1",
    ),
    "a mail is missing": (
        "DELETE FROM notifications_emails WHERE id = (SELECT MIN(id) FROM notifications_emails)",
        ": 0 of 'order_placed', should be 1",
    ),
    "a mail was queued twice": (
        """INSERT INTO notifications_emails
                  (id, user_id, address, template, language, data, message_id, status, attempts,
                   next_attempt_at, created_at)
           SELECT randomblob(16), user_id, address, template, language, data, message_id || '2', status, attempts,
                  next_attempt_at, created_at FROM notifications_emails WHERE template = 'order_paid' LIMIT 1""",
        ": 2 of 'order_paid', should be 1",
    ),
    "a piece vanished": ("UPDATE product_variants SET stock = stock - 1 WHERE sku = 'crash-0'", "stock is"),
    "a piece was sold twice": ("UPDATE product_variants SET sold = sold + 1 WHERE sku = 'crash-0'", "sold is"),
    "a piece stays set aside": (
        "UPDATE product_variants SET reserved = reserved + 1 WHERE sku = 'crash-0'",
        "reserved is",
    ),
    "pieces were moved from sold to stock": (
        "UPDATE product_variants SET sold = sold - 1, stock = stock + 1 WHERE sku = 'crash-1'",
        "stock is",
    ),
    "a sale was not booked": (
        f"UPDATE product_reserved SET state = 'claimed' WHERE order_id = {_A_PAID}",
        "PAID, but its reservation is claimed",
    ),
    "a paid order has no reservation": (
        f"DELETE FROM product_reserved WHERE order_id = {_A_PAID}",
        "PAID, but its reservation is None",
    ),
    "a reservation of no order": (
        "INSERT INTO product_reserved"
        " SELECT randomblob(16), 0, id, 1, 0, 'claimed', 0, 0 FROM product_variants LIMIT 1",
        "there is no such order",
    ),
    "something else was reserved": (
        f"UPDATE product_reserved SET quantity = quantity + 1 WHERE order_id = {_A_PAID}",
        "not what was reserved",
    ),
    "a part of it was sold": (
        f"UPDATE product_reserved SET state = 'sold', expires_at = 0 WHERE order_id = {_A_PAID} AND position = 0",
        "do not belong together",
    ),
    "something that nobody ordered was reserved with it": (
        "INSERT INTO product_reserved SELECT r.order_id, r.position + 1, v.id, 1, 0, r.state, r.expires_at,"
        f" r.created_at FROM product_reserved r, product_variants v WHERE r.order_id = {_A_PAID} AND v.id NOT IN"
        f" (SELECT variant_id FROM product_reserved WHERE order_id = {_A_PAID})"
        f" AND r.position = (SELECT MAX(position) FROM product_reserved WHERE order_id = {_A_PAID}) LIMIT 1",
        "more was reserved",
    ),
    "a payment was lost": (f"DELETE FROM payments WHERE order_id = {_A_PAID}", "its payment is not there"),
    "a payment was captured twice": (
        f"""INSERT INTO payments SELECT randomblob(16), order_id, order_number, user_id, provider, method, total_amount,
                   captured_amount, refunded_amount, currency, status, reference, reason, NULL, created_at, checked_at,
                   version FROM payments WHERE order_id = {_A_PAID}""",
        "not due",
    ),
    "the provider took more than we know of": (
        f"UPDATE sandbox_intents SET total_amount = total_amount + 1 WHERE id IN "
        f"(SELECT payment_id FROM orders WHERE id = {_A_PAID})",
        "the provider took",
    ),
    "an order is paid in part": (f"UPDATE orders SET paid_amount = 1 WHERE id = {_A_PAID}", "paid 1 of"),
    "an order was paid unheard": (
        f"UPDATE orders SET status = 'PENDING_PAYMENT', paid_amount = 0, payment_id = NULL WHERE id = {_A_PAID}",
        "and 0 not due",
    ),
    "an order costs another sum": (
        f"UPDATE orders SET total_amount = total_amount + 1 WHERE id = {_A_PAID}",
        "are worth",
    ),
    "a refund was lost": (
        "DELETE FROM payment_refunds WHERE id = (SELECT MIN(id) FROM payment_refunds)",
        "that of payments None",
    ),
    "a refund was noted twice": (
        "UPDATE orders SET refunded_amount = refunded_amount * 2 WHERE refunded_amount > 0",
        "its refunds come to",
    ),
    "an order was lost after it was promised": (
        f"DELETE FROM orders WHERE id = {_A_PAID}",
        "it was answered, but there is no such thing",
    ),
    "an order without a claim": (f"DELETE FROM order_claims WHERE order_id = {_A_PAID}", "never claimed"),
    "a reaction was buried": (
        """INSERT INTO orders_dead_letters SELECT 'orders.payment-succeeded', event_id, 'payments', type, 1, event_key,
                  payload, 'KeyError: boom', 6, 0, 0 FROM payments_outbox LIMIT 1""",
        "dead letter of orders.payment-succeeded: KeyError: boom",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_negative_control_damage_is_found(aftermath: Aftermath, tmp_path: Path, kind: str) -> None:
    statement, words = DAMAGE[kind]
    copy = copied(aftermath.shop.data_dir, tmp_path)
    with closing(sqlite3.connect(copy)) as books:
        changed = books.execute(statement).rowcount
        books.commit()
    assert changed > 0
    assert any(words in breach for breach in reconcile(tmp_path)), reconcile(tmp_path)


def copied(data_dir: Path, to: Path) -> Path:
    """A copy of the shop's database, taken while it runs, at a moment when the books add up."""
    for _ in range(20):
        copy = copy_of(data_dir, to)
        if reconcile(to) == []:
            return copy
        # A mail that a killed process had claimed was sent just now: its event is on its way.
        time.sleep(0.2)
    raise AssertionError(reconcile(to))


def copy_of(data_dir: Path, to: Path) -> Path:
    copy = to / "shop.db"
    with closing(read_only(data_dir)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    shutil.rmtree(to / "outbox", ignore_errors=True)
    return copy
