"""A paid order as a collector of traces sees it: over HTTP, events and calls, whatever processes they cross."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import gateway
from tests.support.collector import Collector, Seen, collecting, path_to, roots
from tests.support.furnished import furnish
from tests.support.journey import order_becomes, pay, put_in, stock_up
from tests.support.shop import ADDRESS, Caller, ForkedShop, Shop, callers
from tests.support.split_shop import SplitShop

ORDERS, WEBHOOKS = "POST /api/v1/orders", "POST /api/v1/payments/webhooks/{provider}"
TRACE, UNSAMPLED = "4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736"
EMAIL = "li.lei@traces.example"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as running:
        yield running


@pytest.fixture(params=["one process", "five services"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path, collector: Collector) -> AsyncIterator[Shop]:
    """A shop that sends its traces. The collector answers from this loop, so nothing may hold it up."""
    settings = {"SHOP_OTLP_ENDPOINT": collector.url}
    if request.param == "one process":
        made: Shop = ForkedShop(tmp_path, settings)
        await asyncio.to_thread(furnish, made)
    elif reason := gateway.missing():
        pytest.skip(reason)
    else:
        made = SplitShop(tmp_path, settings)
    try:
        await asyncio.to_thread(made.start)
        yield made
    finally:
        await asyncio.to_thread(made.kill)


async def order(buyer: Caller, traceparent: str) -> Any:
    """Place an order as somebody whose own trace goes on in ours."""
    body = {"shippingMethod": "standard", "address": ADDRESS, "email": EMAIL}
    answer = await buyer.post("/orders", body, headers={"traceparent": traceparent})
    assert answer.status == 201, answer
    return answer.data


def paths(spans: list[Seen]) -> set[str]:
    return {" > ".join(path_to(span, spans)) for span in spans}


async def test_a_paid_order_is_one_tree_from_the_request_to_the_last_reaction(shop: Shop, collector: Collector) -> None:
    async with callers(shop) as new:
        assert shop.admin is not None
        admin = new()
        await admin.sign_in(*shop.admin)
        goods, buyer = await stock_up(admin), await new().sign_in_as_guest()
        await put_in(buyer, goods)
        await order(buyer, f"00-{UNSAMPLED}-00f067aa0ba902b7-00")
        await put_in(buyer, goods)
        placed = await order(buyer, f"00-{TRACE}-00f067aa0ba902b7-01")
        await pay(buyer, placed)
        await order_becomes(buyer, placed, "PAID")
        await goods.books_become(18, 1, 1)
    assert await asyncio.to_thread(shop.stop) == 0, shop.output

    spans = collector.of(TRACE)
    (root,) = roots(spans)
    assert (root.name, root.parent, root.notes["http.response.status_code"]) == (ORDERS, "00f067aa0ba902b7", 201)
    assert f"{ORDERS} > place_order > send orders > process orders > notify" in paths(spans)
    if isinstance(shop, SplitShop):
        call = "products/reserve > POST /internal/products/reserve > reserve_stock"
        assert f"{ORDERS} > place_order > {call}" in paths(spans)
        assert {span.service for span in spans} == {"orders", "products", "users", "notifications"}
    else:
        assert f"{ORDERS} > place_order > reserve_stock" in paths(spans)
        assert {span.service for span in spans} == {"caddy-shopping"}

    # The provider's news are the shop's to follow: from the webhook to the pieces that are sold.
    (paid,) = collector.named("pay_order")
    news = collector.of(paid.trace)
    assert [span.name for span in roots(news)] == [WEBHOOKS]
    way = f"{WEBHOOKS} > process_webhook > send payments > process payments > pay_order > send orders > process orders"
    assert {f"{way} > sell_stock", f"{way} > notify"} <= paths(news)

    assert collector.of(UNSAMPLED) == []
    said = b"".join(collector.bodies)
    assert buyer.token is not None
    for secret in (EMAIL, *ADDRESS.values(), "Li Lei", buyer.token, shop.admin[0], shop.admin[1]):
        if len(secret) > 2:
            assert secret.encode() not in said, secret
