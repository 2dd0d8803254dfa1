"""The orders context over HTTP, through the real application."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from caddy_shopping.contexts.orders.application.cancel_order import CancelOrder
from caddy_shopping.contexts.orders.application.hear_of_payment import FailRefund
from caddy_shopping.contexts.orders.infrastructure import tables
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.http.app import create_app
from caddy_shopping.platform.http.health import Health
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.contexts.orders.conftest import STAFF, Shop
from tests.contexts.orders.fakes import a_variant
from tests.platform.http.toy import Answer, ask

HOME = {"name": "Ada", "line1": "1 Analytical Rd", "city": "Hangzhou", "country": "CN"}
HOSTILE = "\u202e ring \u200b twice"
Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
async def web(shop: Shop) -> Ask:
    """`await web("POST", "/cart/items", {…}, key="k", if_match=3, who=STAFF)`."""
    actors: dict[str, Actor] = {}

    async def authenticate(token: str) -> Actor | None:
        return actors.get(token)

    settings = HttpSettings.model_validate({"access_log": "off", "rate_limits": False})
    app = create_app([shop.module], settings=settings, authenticate=authenticate, metrics=Metrics(), health=Health())

    async def send(
        method: str,
        path: str,
        body: Any = None,
        *,
        who: Actor | None = shop.buyer,
        key: str | None = None,
        if_match: int | None = None,
        **headers: str,
    ) -> Answer:
        sent = dict(headers)
        if who is not None:
            actors[str(who.id)] = who
            sent["authorization"] = f"Bearer {who.id}"
        if key is not None:
            sent["idempotency-key"] = key
        if if_match is not None:
            sent["if-match"] = f'"{if_match}"'
        return await ask(app, method, f"/api/v1{path}", sent, json=body)

    return send


async def test_a_cart_from_first_line_to_last(shop: Shop, web: Ask) -> None:
    variant = shop.products.put(a_variant(9900))
    answer = await web("POST", "/cart/items", {"variantId": str(variant.id), "quantity": 2})
    assert answer.status == 200
    [item] = answer.json["data"]["items"]
    assert item["variant"]["price"] == {"amount": 9900, "currency": "CNY"}
    assert answer.json["data"]["subtotal"] == {"amount": 19800, "currency": "CNY"}
    changed = await web("PATCH", f"/cart/items/{item['id']}", {"quantity": 3, "selected": False})
    assert (changed.status, changed.json["data"]["selectedQuantity"]) == (200, 0)
    selected = await web("POST", "/cart/select", {"selected": True, "itemIds": [item["id"]]})
    assert selected.json["data"]["selectedQuantity"] == 3
    assert (await web("GET", "/cart")).json == selected.json
    removed = await web("DELETE", f"/cart/items/{item['id']}")
    assert (removed.status, removed.json["data"]["items"]) == (200, [])
    assert (await web("DELETE", f"/cart/items/{item['id']}")).code == "CART_ITEM_NOT_FOUND"
    assert (await web("DELETE", "/cart")).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"quantity": 1},
        {"variantId": "x"},
        {"variantId": str(UUID(int=1)), "quantity": 0},
        {"variantId": str(UUID(int=1)), "quantity": -1},
        {"variantId": str(UUID(int=1)), "quantity": 1000},
        {"variantId": str(UUID(int=1)), "quantity": 2**70},
        {"variantId": str(UUID(int=1)), "quantity": 1.5},
        {"variantId": str(UUID(int=1)), "quantity": 1, "price": 1},
    ],
)
async def test_bad_input_puts_nothing_in(shop: Shop, web: Ask, body: Any) -> None:
    answer = await web("POST", "/cart/items", body)
    assert answer.status == 400
    assert answer.json["errors"]
    assert await shop.count(tables.cart_items) == 0


async def test_nobody_gets_nothing(web: Ask) -> None:
    for method, path in [("GET", "/cart"), ("GET", "/orders"), ("POST", "/orders"), ("GET", "/admin/orders")]:
        assert (await web(method, path, {} if method == "POST" else None, who=None)).status == 401


async def test_an_order_is_placed_once_for_a_key_and_answered_alike(shop: Shop, web: Ask) -> None:
    variant = shop.products.put(a_variant(9900, stock=10))
    await shop.add(variant, 2)
    quote = await web("POST", "/orders/quote", {"shippingMethod": "express", "address": HOME})
    total = quote.json["data"]["total"]
    body = {"shippingMethod": "express", "address": HOME, "expectedTotal": total, "note": HOSTILE}
    assert (await web("POST", "/orders", body)).code == "IDEMPOTENCY_KEY_MISSING"
    first = await web("POST", "/orders", body, key="k1")
    again = await web("POST", "/orders", body, key="k1")
    assert (first.status, first.body) == (201, again.body)
    assert first.headers["location"] == f"/api/v1/orders/{first.json['data']['id']}"
    assert again.headers["idempotency-replayed"] == "true"
    assert (await web("POST", "/orders", body | {"note": "x"}, key="k1")).code == "IDEMPOTENCY_KEY_REUSED"
    assert (await web("POST", "/orders", body, key="k2")).code == "CART_EMPTY"
    assert await shop.count(tables.orders) == 1
    assert shop.products.variants[variant.id].available == 8
    assert first.json["data"]["note"] == HOSTILE


async def test_an_order_that_timed_out_gives_its_key_back(shop: Shop, web: Ask) -> None:
    await shop.add(shop.products.put(a_variant()))

    async def too_slow(order_id: UUID) -> None:
        await shop.service.settle(order_ids=[order_id])

    shop.products.on_reserve = too_slow
    body = {"shippingMethod": "standard", "address": HOME}
    late = await web("POST", "/orders", body, key="k")
    assert (late.status, late.code, late.json["retryable"]) == (409, "ORDER_TIMED_OUT", True)
    shop.products.on_reserve = None
    assert (await web("POST", "/orders", body, key="k")).status == 201


async def test_a_price_that_changed_is_a_conflict_that_says_both(shop: Shop, web: Ask) -> None:
    await shop.add(shop.products.put(a_variant(9900)))
    body = {"shippingMethod": "standard", "address": HOME, "expectedTotal": {"amount": 1, "currency": "CNY"}}
    answer = await web("POST", "/orders", body, key="k", **{"accept-language": "zh"})
    assert (answer.status, answer.code) == (409, "PRICE_CHANGED")
    assert "109.00 CNY" in answer.json["message"]
    assert "订单总额" in answer.json["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"shippingMethod": "drone", "address": HOME}, "SHIPPING_METHOD_UNKNOWN"),
        ({"shippingMethod": "standard"}, "ADDRESS_REQUIRED"),
        ({"shippingMethod": "standard", "address": HOME | {"country": "China"}}, "VALIDATION_FAILED"),
        ({"shippingMethod": "standard", "address": HOME | {"planet": "Mars"}}, "VALIDATION_FAILED"),
        ({"shippingMethod": "standard", "address": HOME, "email": "no mail"}, "VALIDATION_FAILED"),
    ],
)
async def test_bad_orders_reserve_nothing(shop: Shop, web: Ask, body: Any, code: str) -> None:
    await shop.add(shop.products.put(a_variant()))
    answer = await web("POST", "/orders", body, key="k")
    assert answer.code == code
    assert "reserve" not in shop.products.calls


async def test_my_orders_and_nobody_else_s(shop: Shop, web: Ask) -> None:
    order = await shop.an_order()
    stranger = shop.another_buyer()
    listed = await web("GET", "/orders?status=PENDING_PAYMENT&limit=5&total=true")
    assert [each["number"] for each in listed.json["data"]] == [order.number]
    assert listed.json["page"] == {"limit": 5, "nextCursor": None, "hasMore": False, "total": 1}
    assert (await web("GET", "/orders?status=PAID")).json["data"] == []
    assert (await web("GET", "/orders?status=NONSENSE")).status == 400
    shown = await web("GET", f"/orders/{order.number.lower()}")
    assert shown.headers["etag"] == f'"{order.version}"'
    assert [entry["action"] for entry in shown.json["data"]["history"]] == ["placed"]
    assert (await web("GET", f"/orders/{order.id}", **{"if-none-match": shown.headers["etag"]})).status == 304
    assert (await web("GET", f"/orders/{order.id}", who=stranger)).code == "ORDER_NOT_FOUND"
    assert (await web("POST", f"/orders/{order.id}/cancel", {}, who=stranger, key="k")).code == "ORDER_NOT_FOUND"
    assert (await web("POST", f"/orders/{order.id}/cancel", {})).code == "IDEMPOTENCY_KEY_MISSING"
    cancelled = await web("POST", f"/orders/{order.id}/cancel", {}, key="k")
    assert (cancelled.status, cancelled.json["data"]["status"]) == (200, "CANCELLED")


async def test_staff_work_an_order_through_with_etags(shop: Shop, web: Ask) -> None:
    order = await shop.a_paid_order(5000, 2)
    path = f"/admin/orders/{order.id}"
    shipping = {"carrier": "SF", "trackingNumber": "1"}
    assert (await web("POST", f"{path}/ship", shipping, if_match=order.version)).code == "PERMISSION_MISSING"

    async def staff(action: str, body: Any = None, version: int | None = None, key: str | None = None) -> Answer:
        return await web("POST", f"{path}/{action}", body, who=STAFF, if_match=version, key=key)

    assert (await staff("ship", shipping)).status == 428
    assert (await staff("ship", shipping, order.version - 1)).status == 412
    shipped = await staff("ship", shipping, order.version)
    version = shipped.json["data"]["version"]
    assert (shipped.status, shipped.headers["etag"]) == (200, f'"{version}"')
    completed = await staff("complete", None, version)
    version = completed.json["data"]["version"]
    line = {"lineId": str(order.lines[0].id), "quantity": 1}
    returned = await staff("return", {"lines": [line], "restock": True}, version, "k1")
    version = returned.json["data"]["version"]
    assert returned.headers["etag"] == f'"{version}"'
    refund = {"lines": [line], "reason": "scratched"}
    assert (await staff("refund", refund, version)).code == "IDEMPOTENCY_KEY_MISSING"
    refunded = await staff("refund", refund, version, "k2")
    assert refunded.json["data"]["refunds"][0]["amount"] == {"amount": 5000, "currency": "CNY"}
    replayed = await staff("refund", refund, version, "k2")
    assert replayed.body == refunded.body
    assert len(await shop.events("OrderRefundRequested")) == 1
    version = refunded.json["data"]["version"]
    by_amount = {"amount": {"amount": 1, "currency": "EUR"}, "reason": "r"}
    assert (await staff("refund", by_amount, version, "k3")).code == "CURRENCY_MISMATCH"
    too_much = {"amount": {"amount": 999999, "currency": "CNY"}, "reason": "r"}
    assert (await staff("refund", too_much, version, "k4")).code == "REFUND_TOO_LARGE"
    assert (await staff("cancel", {"reason": "late"}, version, "k5")).code == "ORDER_STATE_WRONG"


async def test_staff_ask_for_a_failed_refund_again(shop: Shop, web: Ask) -> None:
    """Also where the money was never due: here the order was cancelled before it came."""
    order = await shop.an_order()
    cancel = CancelOrder(actor=STAFF, order_id=order.id, reason="no", as_staff=True, version=order.version)
    await shop.run(shop.use_cases.cancel_order, cancel)
    late = await shop.pay(order)
    [first] = late.refunds
    path = f"/admin/orders/{order.id}/refunds"

    async def retry(refund_id: UUID, version: int | None, key: str | None = "k", who: Actor = STAFF) -> Answer:
        return await web("POST", f"{path}/{refund_id}/retry", who=who, if_match=version, key=key)

    assert (await retry(first.id, late.version, "k0")).code == "REFUND_NOT_FAILED"
    failure = FailRefund(order_id=order.id, refund_id=first.id, amount=order.total, reason="card closed")
    await shop.run(shop.use_cases.fail_refund, failure)
    version = (await shop.read(order)).version
    assert (await retry(first.id, version, None)).code == "IDEMPOTENCY_KEY_MISSING"
    assert (await retry(first.id, None)).status == 428
    assert (await retry(first.id, version - 1, "k1")).status == 412
    assert (await retry(first.id, version, "k2", shop.buyer)).code == "PERMISSION_MISSING"
    assert (await retry(new_id(), version, "k3")).code == "REFUND_NOT_FOUND"
    assert len(await shop.events("OrderRefundRequested")) == 1
    done = await retry(first.id, version)
    assert (done.status, done.headers["etag"]) == (200, f'"{done.json["data"]["version"]}"')
    assert [(each["status"], each["surplus"]) for each in done.json["data"]["refunds"]] == [
        ("FAILED", True), ("PENDING", True),
    ]  # fmt: skip
    assert (await retry(first.id, version)).body == done.body
    asked = await shop.events("OrderRefundRequested")
    assert len(asked) == 2
    assert len({(each.payment_id, each.amount) for each in asked}) == 1
    assert len({each.refund_id for each in asked}) == 2


async def test_staff_find_orders(shop: Shop, web: Ask) -> None:
    order = await shop.an_order()
    seen, now = await web("GET", f"/admin/orders/{order.number}", who=STAFF), shop.clock.now()
    hour = timedelta(hours=1)
    assert seen.json["data"]["history"][0]["actorId"] == str(shop.buyer.id)
    queries = [
        f"userId={shop.buyer.id}",
        f"number={order.number.lower()}",
        "email=ADA@example.com",
        f"placedFrom={now - hour:%Y-%m-%dT%H:%M:%S}&placedBefore={now + hour:%Y-%m-%dT%H:%M:%SZ}",
    ]
    for query in queries:
        found = await web("GET", f"/admin/orders?{query}", who=STAFF)
        assert [each["id"] for each in found.json["data"]] == [str(order.id)], query
    for query in [f"userId={new_id()}", "email=x@y.z", "placedFrom=2999-03-15T00:00:00"]:
        assert (await web("GET", f"/admin/orders?{query}", who=STAFF)).json["data"] == [], query
    for query in ["userId=x", "placedFrom=soon", "cursor=%21%21", "limit=0"]:
        assert (await web("GET", f"/admin/orders?{query}", who=STAFF)).status == 400, query
    assert (await web("GET", f"/admin/orders/{uuid4()}", who=STAFF)).status == 404
