"""One Idempotency-Key, fifty times at once, with the process killed in between: done once, answered alike."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import aiohttp

from tests.properties.conftest import NewCaller
from tests.support.books import ask
from tests.support.buyers import Patience, an_email, fill_cart, new_variant, order_of
from tests.support.ledger import reconcile
from tests.support.shop import Answer, Caller, Shop, eventually

ROUNDS = 4
AT_ONCE = 50


def asks(shop: Shop, question: str, *values: object) -> list[Any]:
    """The rows of a SELECT on the shop's own database."""
    return ask(shop.data_dir, question, *values)


def orders_of(shop: Shop, email: str) -> int:
    (count,) = asks(shop, "SELECT COUNT(*) FROM orders WHERE email = ?", email)[0]
    return int(count)


def one(values: set[bytes]) -> bytes:
    (value,) = values
    return value


async def at_once(ask: Callable[[], Awaitable[Answer]], patience: Patience, times: int = AT_ONCE) -> list[Answer]:
    return list(await asyncio.gather(*(patience.answer(ask) for _ in range(times))))


async def ordered(admin: Caller, new: NewCaller, *, pay: str | None = None) -> tuple[Caller, Any]:
    """A guest with an order, paid by the method `pay`."""
    buyer = await new().sign_in_as_guest()
    await fill_cart(buyer, await new_variant(admin, an_email(), 5))
    order = await buyer.post("/orders", order_of(an_email()))
    assert order.status == 201, order
    if pay is not None:
        answer = await buyer.post("/payments", {"orderId": order.data["id"], "method": pay})
        assert answer.status == 201, answer
        await eventually(lambda: is_in(buyer, order.data["id"], "PAID"))
    return buyer, order.data


async def is_in(buyer: Caller, order_id: str, status: str) -> bool:
    return bool((await buyer.get(f"/orders/{order_id}")).data["status"] == status)


async def test_one_key_fifty_times_with_the_process_killed_in_between(
    shop: Shop, admin: Caller, new: NewCaller
) -> None:
    """Several rounds, so that the kill comes before, between and after the steps of placing an order."""
    moments = random.Random(20)
    patience, struck = Patience(), Counter[int | None]()
    for number in range(ROUNDS):
        buyer = await new().sign_in_as_guest()
        variant = await new_variant(admin, f"once-{number}", 5)
        await fill_cart(buyer, variant)
        email, key = an_email(), an_email()

        async def ask(buyer: Caller = buyer, email: str = email, key: str = key) -> Answer:
            return await buyer.post("/orders", order_of(email), key=key)

        crowd = asyncio.create_task(at_once(ask, patience))
        # Every other kill waits until the key is taken; those between them come at any moment.
        await (key_is_taken(shop, key) if number % 2 else asyncio.sleep(moments.uniform(0.0, 0.06)))
        await asyncio.to_thread(shop.kill)
        struck.update(status for (status,) in asks(shop, _STATUS, key))
        await asyncio.to_thread(shop.start, "--no-demo")
        answers = await crowd
        assert {answer.status for answer in answers} == {201}
        assert UUID(answers[0].data["id"]).bytes == asks(shop, "SELECT id FROM orders WHERE email = ?", email)[0][0]
        assert len({answer.raw for answer in answers}) == 1
        assert orders_of(shop, email) == 1

    # Otherwise the kills came too early or too late for everybody, and proved nothing.
    assert struck.total() >= ROUNDS // 2
    assert patience.cut_off > 0
    await eventually(lambda: nothing_left_over(shop), timeout=60)
    for number in range(ROUNDS):
        sku = f"once-{number}"
        assert asks(shop, "SELECT stock, reserved, sold FROM product_variants WHERE sku = ?", sku) == [(4, 1, 0)]


_STATUS = "SELECT status FROM orders_idempotency WHERE idempotency_key = ?"


async def key_is_taken(shop: Shop, key: str) -> None:
    while not asks(shop, _STATUS, key):
        await asyncio.sleep(0)


async def nothing_left_over(shop: Shop) -> bool:
    """What was reserved for an order that never came to be went back, and the books add up."""
    waiting = asks(
        shop,
        """SELECT r.order_id FROM product_reserved r LEFT JOIN orders o ON o.id = r.order_id
            WHERE o.id IS NULL AND r.state <> 'released'""",
    )
    assert waiting == []
    assert reconcile(shop.data_dir) == []
    return True


async def test_negative_control_each_key_is_an_order_of_its_own(shop: Shop, admin: Caller, new: NewCaller) -> None:
    """It is the key, not the emptied cart, that makes it one order: the cart is filled again before each try."""
    buyer, email, key = await new().sign_in_as_guest(), an_email(), an_email()
    variant = await new_variant(admin, an_email(), 20)
    await fill_cart(buyer, variant)
    first = await buyer.post("/orders", order_of(email), key=key)
    assert first.status == 201
    for _ in range(5):
        await fill_cart(buyer, variant)
        again = await buyer.post("/orders", order_of(email), key=key)
        assert again.raw == first.raw
        assert again.headers["Idempotency-Replayed"] == "true"
        assert orders_of(shop, email) == 1
    for number in range(5):
        await fill_cart(buyer, variant)
        other = await buyer.post("/orders", order_of(email))
        assert other.status == 201
        assert "Idempotency-Replayed" not in other.headers
        assert orders_of(shop, email) == 2 + number


async def test_stock_fifty_times_by_one_key_and_by_fifty(shop: Shop, admin: Caller) -> None:
    variant = await new_variant(admin, "counted", 0)
    path, body = f"/admin/products/variants/{variant}/stock", {"delta": 1, "reason": "received"}
    key = an_email()
    same = await at_once(lambda: admin.post(path, body, key=key), Patience())
    assert {answer.status for answer in same} == {201}
    assert len({answer.raw for answer in same}) == 1
    assert asks(shop, "SELECT stock FROM product_variants WHERE sku = 'counted'") == [(1,)]
    # Negative control: fifty keys are fifty pieces.
    await at_once(lambda: admin.post(path, body, key=an_email()), Patience())
    assert asks(shop, "SELECT stock FROM product_variants WHERE sku = 'counted'") == [(51,)]


async def test_a_payment_fifty_times(shop: Shop, admin: Caller, new: NewCaller) -> None:
    buyer, order = await ordered(admin, new)
    body, key = {"orderId": order["id"], "method": "sandbox_declined"}, an_email()
    answers = await at_once(lambda: buyer.post("/payments", body, key=key), Patience())
    assert {answer.status for answer in answers} == {201}
    one({answer.raw for answer in answers})
    count = "SELECT COUNT(*) FROM payments WHERE order_id = ?"
    mine = UUID(order["id"])
    assert asks(shop, count, mine) == [(1,)]

    async def declined() -> bool:
        return asks(shop, "SELECT status FROM payments WHERE order_id = ?", mine) == [("DECLINED",)]

    await eventually(declined)
    again = await buyer.post("/payments", body, key=key)
    assert again.raw == answers[0].raw
    assert asks(shop, count, mine) == [(1,)]
    # Negative control: the same request with another key is another attempt.
    assert (await buyer.post("/payments", body)).status == 201
    assert asks(shop, count, mine) == [(2,)]


async def test_a_refund_fifty_times(shop: Shop, admin: Caller, new: NewCaller) -> None:
    buyer, order = await ordered(admin, new, pay="sandbox_ok")
    path, body = f"/admin/orders/{order['id']}/refund", {"reason": "late", "amount": {"amount": 100, "currency": "CNY"}}
    version = (await buyer.get(f"/orders/{order['id']}")).data["version"]
    key = an_email()
    answers = await at_once(lambda: admin.post(path, body, key=key, if_match=version), Patience())
    assert {answer.status for answer in answers} == {200}
    one({answer.raw for answer in answers})

    async def refunded(amount: int) -> bool:
        done = "SELECT refunded_amount, (SELECT SUM(total_amount) FROM payment_refunds r WHERE r.order_id = o.id)"
        found = asks(shop, f"{done} FROM orders o WHERE id = ?", UUID(order["id"]))
        return found == [(amount, amount)]

    await eventually(lambda: refunded(100))
    # Negative control: another key (and the version there is now) is another refund.
    version = (await buyer.get(f"/orders/{order['id']}")).data["version"]
    assert (await admin.post(path, body, if_match=version)).status == 200
    await eventually(lambda: refunded(200))


async def test_a_key_belongs_to_one_request(shop: Shop, admin: Caller, new: NewCaller) -> None:
    """422 for another payload, and nothing happens; another person or another path may use the same text."""
    buyer, key, email = await new().sign_in_as_guest(), an_email(), an_email()
    variant = await new_variant(admin, an_email(), 9)
    await fill_cart(buyer, variant)
    first = await buyer.post("/orders", order_of(email), key=key)
    await fill_cart(buyer, variant)
    other = await buyer.post("/orders", order_of(an_email()), key=key)
    assert (other.status, other.code) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len((await buyer.get("/cart")).data["items"]) == 1
    pay = {"orderId": first.data["id"], "method": "sandbox_silent"}
    assert (await buyer.post("/payments", pay, key=key)).status == 201
    reused = await buyer.post("/payments", pay | {"method": "sandbox_ok"}, key=key)
    assert (reused.status, reused.code) == (422, "IDEMPOTENCY_KEY_REUSED")
    another = await new().sign_in_as_guest()
    await fill_cart(another, variant)
    theirs = await another.post("/orders", order_of(email), key=key)
    assert theirs.status == 201
    assert theirs.data["id"] != first.data["id"]


async def test_without_a_key_nothing_happens(shop: Shop, admin: Caller, new: NewCaller) -> None:
    buyer, order = await ordered(admin, new)
    await fill_cart(buyer, await new_variant(admin, an_email(), 1))
    before = asks(shop, "SELECT (SELECT COUNT(*) FROM orders), (SELECT COUNT(*) FROM payments)")
    requests: list[tuple[Caller, str, Any]] = [
        (buyer, "/orders", order_of(an_email())),
        (buyer, "/payments", {"orderId": order["id"], "method": "sandbox_ok"}),
        (buyer, f"/orders/{order['id']}/cancel", {}),
        (admin, f"/admin/orders/{order['id']}/refund", {"reason": "x", "amount": {"amount": 1, "currency": "CNY"}}),
    ]
    async with aiohttp.ClientSession() as http:
        for caller, path, body in requests:
            sent = {"Authorization": f"Bearer {caller.token}", "If-Match": '"1"'}
            async with http.post(f"{shop.url}/api/v1{path}", json=body, headers=sent) as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, "IDEMPOTENCY_KEY_MISSING"), path
    assert asks(shop, "SELECT (SELECT COUNT(*) FROM orders), (SELECT COUNT(*) FROM payments)") == before
    assert await is_in(buyer, order["id"], "PENDING_PAYMENT")


async def test_a_refusal_is_replayed_too(shop: Shop, admin: Caller, new: NewCaller) -> None:
    """What was refused once stays refused for its key, even where it could be had by now."""
    buyer, rival, key = await new().sign_in_as_guest(), await new().sign_in_as_guest(), an_email()
    variant = await new_variant(admin, an_email(), 1)
    await fill_cart(buyer, variant)
    await fill_cart(rival, variant)
    won = await rival.post("/orders", order_of(an_email()))
    body = order_of(an_email())
    refused = await buyer.post("/orders", body, key=key)
    assert (refused.status, refused.code) == (409, "OUT_OF_STOCK")
    assert (await rival.post(f"/orders/{won.data['id']}/cancel", {})).status == 200

    async def back() -> bool:
        return asks(shop, "SELECT stock FROM product_variants WHERE id = ?", UUID(variant)) == [(1,)]

    await eventually(back)
    again = await buyer.post("/orders", body, key=key)
    assert (again.status, again.raw) == (refused.status, refused.raw)
    # Negative control: with a new key it can be had.
    assert (await buyer.post("/orders", body)).status == 201


async def test_nothing_here_broke_the_books(shop: Shop) -> None:
    """Last of the module: whatever the tests above did, it adds up."""
    await eventually(lambda: nothing_left_over(shop), timeout=60)
    kinds = Counter(status for (status,) in asks(shop, "SELECT status FROM orders_idempotency"))
    assert None not in kinds
