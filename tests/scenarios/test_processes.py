"""Two processes of one shop on one Redis: what one changes the other shows, and at the till neither is ever wrong."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from caddy_shopping.contexts.products.application.views import ProductView
from caddy_shopping.kernel.money import Money
from tests.support.journey import put_in, stock_up
from tests.support.redis_server import RedisServer
from tests.support.shop import ADDRESS, Caller, Shop, callers, eventually


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Iterator[tuple[Shop, Shop]]:
    """Both serve the same data."""
    folder: Path = tmp_path_factory.mktemp("shared")
    environment = {"SHOP_REDIS_URL": redis_server.url, "SHOP_THROUGH_WIRE": "true"}
    one, other = Shop(folder, environment), Shop(folder, environment)
    try:
        one.start()
        other.start("--no-work")
        yield one, other
        other.stop()
        one.stop()
    finally:
        one.kill()
        other.kill()


Pair = tuple[Any, Any]


@pytest.fixture
async def makers(shops: tuple[Shop, Shop]) -> AsyncIterator[Pair]:
    """`one()` and `other()` are callers of the two processes."""
    async with callers(shops[0]) as one, callers(shops[1]) as other:
        yield one, other


@pytest.fixture
async def admin(shops: tuple[Shop, Shop], makers: Pair) -> Any:
    assert shops[0].admin is not None
    return await makers[0]().sign_in(*shops[0].admin)


async def price_at(caller: Caller, slug: str) -> int:
    answer = await caller.get(f"/products/{slug}")
    assert answer.status == 200, answer
    amount: int = answer.data["variants"][0]["price"]["amount"]
    return amount


async def reprice(admin: Caller, product_id: str, amount: int) -> None:
    product = await admin.get(f"/admin/products/{product_id}")
    (variant,) = product.data["variants"]
    body = {"variants": [{"id": variant["id"], "sku": variant["sku"], "price": {"amount": amount, "currency": "CNY"}}]}
    answer = await admin.ask("PATCH", f"/admin/products/{product_id}", body, if_match=product.data["version"])
    assert answer.status == 200, answer


async def test_a_new_price_shows_in_both(makers: Pair, admin: Caller) -> None:
    one, other = makers[0](), makers[1]()
    goods = await stock_up(admin, "Repriced", price=5000)
    for amount in (4000, 4500, 3999):
        assert await price_at(other, goods.slug)
        await reprice(admin, goods.product_id, amount)
        assert await price_at(one, goods.slug) == amount, "whoever changes it sees it at once"

        async def shows(wanted: int = amount) -> bool:
            return await price_at(other, goods.slug) == wanted

        await eventually(shows, timeout=1.5)  # by itself it would take the two seconds of a public answer


async def test_what_orders_take_shows_in_both(makers: Pair, admin: Caller) -> None:
    one, other = await makers[0]().sign_in_as_guest(), makers[1]()
    goods = await stock_up(admin, "Going fast", stock=3)

    async def left(caller: Caller) -> int:
        available: int = (await caller.get(f"/products/{goods.slug}")).data["variants"][0]["available"]
        return available

    assert await left(other) == 3
    await put_in(one, goods, 3)
    order = {"shippingMethod": "standard", "address": ADDRESS, "email": "li.lei@shop.example"}
    assert (await one.post("/orders", order)).status == 201

    async def none() -> bool:
        return await left(other) == 0

    await eventually(none, timeout=4)


async def test_a_command_reaches_those_who_serve(shops: tuple[Shop, Shop], makers: Pair, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"

    async def import_at(price: str) -> None:
        file.write_text(f"Handle,Title,Status,Variant SKU,Variant Price\nimported,Imported,active,IMP-1,{price}\n")
        code, output = await asyncio.to_thread(shops[1].run, "import-products", str(file))
        assert code == 0, output

    await import_at("10.00")
    callers = [make() for make in makers]

    async def both(amount: int) -> bool:
        return [await price_at(caller, "imported") for caller in callers] == [amount] * 2

    await eventually(lambda: both(1000))
    await import_at("12.00")
    await eventually(lambda: both(1200))


async def test_at_the_till_the_cache_is_not_asked(makers: Pair, admin: Caller, redis_server: RedisServer) -> None:
    """Somebody put a wrong price and a wrong stock into Redis: it is shown, and it is not what is paid."""
    goods = await stock_up(admin, "Poisoned", price=5000, stock=2)
    async with Redis.from_url(redis_server.url) as redis:

        async def poisoned() -> bool:
            await price_at(makers[0](), goods.slug)
            keys = redis.scan_iter("shop:cache:value:*detail*")
            if sum([await poison(redis, key, goods.slug) async for key in keys]) == 1:
                return True
            # What was loaded while Redis was slow, or while something else changed, is in no more than one memory.
            await reprice(admin, goods.product_id, 5000)
            return False

        await eventually(poisoned)
    buyer = await makers[1]().sign_in_as_guest()
    shown = (await buyer.get(f"/products/{goods.slug}")).data["variants"][0]
    assert (shown["price"]["amount"], shown["available"]) == (1, 999), "negative control: the poison works"

    cart = await put_in(buyer, goods, 2)
    assert cart["subtotal"]["amount"] == 10_000
    order = {"shippingMethod": "standard", "address": ADDRESS, "email": "li.lei@shop.example"}
    quote = await buyer.post("/orders/quote", {"shippingMethod": "standard", "address": ADDRESS})
    assert quote.data["subtotal"]["amount"] == 10_000, quote
    placed = await buyer.post("/orders", order)
    assert placed.data["subtotal"]["amount"] == 10_000
    more = await buyer.post("/cart/items", {"variantId": goods.variant_id, "quantity": 1})
    assert more.status == 409 or (await buyer.post("/orders", order)).code == "OUT_OF_STOCK"


async def poison(redis: Any, key: bytes, slug: str) -> bool:
    """A price of one fen and plenty of it, where `key` holds the product; whether it did."""
    view = msgspec.msgpack.decode(await redis.hget(key, "body"), type=ProductView)
    if view.slug != slug:
        return False
    wrong = [msgspec.structs.replace(each, price=Money(1, "CNY"), available=999) for each in view.variants]
    await redis.hset(key, "body", msgspec.msgpack.encode(msgspec.structs.replace(view, variants=wrong)))
    return True


async def test_nothing_of_it_is_missing_when_redis_dies(
    shops: tuple[Shop, Shop], makers: Pair, admin: Caller, redis_server: RedisServer
) -> None:
    """Last, since it takes the server along: ready says `degraded`, and everything goes on."""
    one, other = makers[0](), makers[1]()
    assert (await one.ask("GET", "api/health/ready")).json["status"] == "ready"
    goods = await stock_up(admin, "Undeterred", price=5000)
    assert await price_at(other, goods.slug) == 5000
    await asyncio.to_thread(redis_server.kill)
    answer = await one.ask("GET", "api/health/ready")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["redis"]["status"] == "failed"
    await reprice(admin, goods.product_id, 4000)

    async def shows(amount: int) -> bool:
        return [await price_at(each, goods.slug) for each in (one, other)] == [amount] * 2

    await eventually(lambda: shows(4000))
    await asyncio.to_thread(redis_server.restart)

    async def ready() -> bool:
        return all([(await each.ask("GET", "api/health/ready")).json["status"] == "ready" for each in (one, other)])

    await eventually(ready)
    await reprice(admin, goods.product_id, 3000)
    await eventually(lambda: shows(3000), timeout=1.5)
