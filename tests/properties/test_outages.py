"""The database goes away and comes back, or has no connection to spare: "not now" meanwhile, and nothing is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from caddy_shopping.platform.db.engine import open_database
from tests.properties.conftest import IMPATIENT
from tests.support.buyers import Patience, an_email, fill_cart, new_variant, order_of
from tests.support.engines import SERVERS
from tests.support.ledger import reconcile
from tests.support.server import Server
from tests.support.servers import ENGINES, available
from tests.support.shop import Answer, Caller, Shop, callers, eventually


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if reason := available()[request.param]:
        pytest.skip(reason)
    with ENGINES[request.param](durable=True) as running:
        yield running


class Standing:
    """A shop on a server, with a buyer whose cart is filled."""

    def __init__(self, folder: Path, url: str, **settings: str) -> None:
        self.url = url
        self.shop = Shop(folder, {**IMPATIENT, "SHOP_DATABASE_URL": url, **settings})

    async def buyer(self, new: Any, sku: str = "thing") -> tuple[Caller, str]:
        admin = await new().sign_in(*(self.shop.admin or ("", "")))
        variant = await new_variant(admin, sku, 100)
        buyer = await new().sign_in_as_guest()
        await fill_cart(buyer, variant)
        return buyer, variant

    async def adds_up(self) -> bool:
        breaches = await asyncio.to_thread(reconcile, self.shop.data_dir, self.url)
        assert breaches == []
        return True


def not_now(answer: Answer, *codes: str) -> bool:
    return answer.status == 503 and answer.code in codes and int(answer.headers["Retry-After"]) > 0


async def test_the_database_goes_away_and_comes_back(server: Server, tmp_path: Path) -> None:
    """The application is never restarted."""
    standing = Standing(tmp_path, server.new_database("shop"))
    shop = standing.shop
    try:
        await asyncio.to_thread(shop.start, "--no-demo")
        async with callers(shop) as new:
            buyer, variant = await standing.buyer(new)
            first = await buyer.post("/orders", order_of(an_email()))
            assert first.status == 201
            await fill_cart(buyer, variant)
            paid = {"orderId": first.data["id"], "method": "sandbox_ok"}
            key, body = an_email(), order_of(an_email())
            assert (await buyer.post("/payments", paid)).status == 201

            # Its webhook, the events and the mails may be under way.
            await asyncio.to_thread(server.kill)
            for answer in [await buyer.get("/cart"), await buyer.post("/orders", body, key=key)]:
                assert not_now(answer, "DATABASE_DOWN"), answer
            assert (await buyer.get("api/health/ready")).status == 503
            assert (await buyer.get("api/health")).status == 200
            await asyncio.sleep(2)  # relays, jobs and mailer notice too

            await asyncio.to_thread(server.restart)
            again = await Patience().answer(lambda: buyer.post("/orders", body, key=key))
            assert again.status == 201
            assert (await buyer.get("api/health/ready")).status == 200
            order = f"/orders/{first.data['id']}"
            await eventually(lambda: is_paid(buyer, order), timeout=60)
            await eventually(standing.adds_up, timeout=60)
            await eventually(lambda: mailed(shop, 3), timeout=60)
        assert await asyncio.to_thread(shop.stop) == 0
    finally:
        shop.kill()


async def is_paid(buyer: Caller, order: str) -> bool:
    return bool((await buyer.get(order)).data["status"] == "PAID")


async def mailed(shop: Shop, least: int) -> bool:
    """Two orders and one payment were written about."""
    return len(shop.mails()) >= least


@pytest.mark.parametrize(("connections", "refused"), [(1, True), (5, False)])
async def test_no_connection_to_spare(server: Server, tmp_path: Path, connections: int, refused: bool) -> None:
    """One writer waits for a row that somebody holds. Negative control: with more connections nobody is sent away."""
    settings = {"SHOP_POOL_SIZE": str(connections), "SHOP_POOL_TIMEOUT_SECONDS": "1"}
    standing = Standing(tmp_path, server.new_database("shop"), **settings)
    try:
        await asyncio.to_thread(standing.shop.start, "--no-demo", "--no-work")
        async with callers(standing.shop) as new:
            buyer, _ = await standing.buyer(new)
            other, variant = await standing.buyer(new, "another")
            outside = open_database(standing.url)
            async with outside.writer.begin() as holder:
                await holder.execute(text("UPDATE product_variants SET reserved = reserved WHERE sku = 'thing'"))
                waiting = asyncio.create_task(buyer.post("/orders", order_of(an_email())))
                await asyncio.sleep(1)
                answer = await other.post("/cart/items", {"variantId": variant, "quantity": 1})
                assert not_now(answer, "DATABASE_BUSY") == refused, answer
                assert not waiting.done()
            await outside.close()
            assert (await waiting).status == 201
            assert (await other.post("/cart/items", {"variantId": variant, "quantity": 1})).status == 200
    finally:
        standing.shop.kill()
