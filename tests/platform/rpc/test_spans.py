"""A call between processes is two spans of one trace: the caller's, and the request's at the peer."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from caddy_shopping.platform.http.server_spans import ServerSpans
from caddy_shopping.platform.rpc.client import Peers
from caddy_shopping.platform.rpc.server import RpcServer
from caddy_shopping.platform.rpc.wire import PeerUnavailable
from tests.platform.rpc.conftest import Prices, Shop, SoldOut, nothing_here, serving, tokens
from tests.support.collector import path_to, roots
from tests.support.server import free_port
from tests.support.traced import Traced, tracing


@pytest.fixture
async def traced() -> AsyncIterator[Traced]:
    async with tracing() as running:
        yield running


@pytest.fixture
async def prices(traced: Traced, shop: Shop) -> AsyncIterator[Prices]:
    app = ServerSpans(RpcServer(nothing_here, {"products": (Prices, shop)}, tokens("products")), traced.spans)
    async with serving(app, free_port()) as url:
        peers = Peers({"products": url}, tokens("orders"), traced.spans)
        yield peers.stub(Prices, "products")
        await peers.close()


async def test_both_ends_are_in_the_callers_trace(prices: Prices, traced: Traced) -> None:
    with traced.spans.span("place_order"):
        await prices.price(ids=[UUID(int=7)])
    spans = await traced.sent()
    assert [span.name for span in roots(spans)] == ["place_order"]
    server = traced.collector.one("POST /internal/products/price")
    assert path_to(server, spans) == ["place_order", "products/price", "POST /internal/products/price"]
    client = traced.collector.one("products/price")
    assert (client.kind, server.kind) == ("client", "server")
    assert client.notes == {
        "rpc.system.name": "shop",
        "rpc.method": "products/price",
        "server.address": "127.0.0.1",
    }


async def test_a_refusal_is_an_answer(prices: Prices, traced: Traced) -> None:
    with pytest.raises(SoldOut):
        await prices.refuse(what="teapots")
    await traced.sent()
    client = traced.collector.one("products/refuse")
    assert (client.failed, client.notes["error.type"]) == (False, "TOY_SOLD_OUT")
    assert traced.collector.one("POST /internal/products/refuse").notes["http.response.status_code"] == 422


async def test_each_try_is_a_span_that_failed(traced: Traced) -> None:
    peers = Peers({"products": f"http://127.0.0.1:{free_port()}"}, tokens("orders"), traced.spans)
    with pytest.raises(PeerUnavailable), traced.spans.span("it"):
        await peers.stub(Prices, "products").missing(item=UUID(int=7))
    await peers.close()
    tries = [span for span in await traced.sent() if span.kind == "client"]
    assert {(span.name, span.failed, span.notes["error.type"]) for span in tries} == {
        ("products/missing", True, "PEER_UNAVAILABLE")
    }
    assert len(tries) >= 1
    assert {span.parent for span in tries} == {traced.collector.one("it").id}
