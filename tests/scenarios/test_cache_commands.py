"""`caddy-shopping cache`, as an operator runs it: beside a shop that serves, on a real Redis, and without any."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.journey import stock_up
from tests.support.redis_server import RedisServer
from tests.support.shop import Caller, Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Iterator[Shop]:
    # Its own ten-minute warm-up would be as good as the command: it is the other process's.
    shop = Shop(tmp_path_factory.mktemp("cached"), {"SHOP_REDIS_URL": redis_server.url})
    try:
        shop.start("--no-work")
        yield shop
    finally:
        shop.kill()


async def run(shop: Shop, *arguments: str) -> tuple[int, str]:
    return await asyncio.to_thread(shop.run, "cache", *arguments)


async def values(shop: Shop) -> int:
    """How many `stats` says there are."""
    code, printed = await run(shop, "stats")
    assert code == 0, printed
    assert printed.endswith("values are in Redis.\n"), printed
    return int(printed.splitlines()[-1].split()[0])


async def loads(shop: Shop, slug: str) -> float:
    """How often the serving process asked its database, for one look at a product."""
    before = await _loaded(shop)
    async with aiohttp.ClientSession() as http, http.get(f"{shop.url}/api/v1/products/{slug}") as answer:
        assert answer.status == 200
    return await _loaded(shop) - before


async def _loaded(shop: Shop) -> float:
    async with aiohttp.ClientSession() as http, http.get(f"{shop.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("cache_load_seconds_count"))


async def test_what_is_warmed_is_at_hand_and_what_is_cleared_is_not(shop: Shop, admin: Caller) -> None:
    goods = await stock_up(admin, "Warm", price=5000)
    code, printed = await run(shop, "clear")
    assert (code, printed.splitlines()[-1]) == (0, "Everything is forgotten.")
    assert await values(shop) == 0
    assert await loads(shop, goods.slug) >= 1

    await run(shop, "clear")
    code, printed = await run(shop, "warm")
    assert code == 0, printed
    assert printed.endswith("products are at hand.\n")
    assert int(printed.splitlines()[-1].split()[0]) >= 1
    assert await values(shop) >= 1
    assert await loads(shop, goods.slug) == 0

    await run(shop, "clear")
    assert await values(shop) == 0


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "SHOP_REDIS_URL is not set"),
        ("redis://127.0.0.1:1/0", "Redis does not answer at SHOP_REDIS_URL"),
    ],
    ids=["not set", "away"],
)
async def test_without_redis_each_says_what_is_missing(tmp_path: Path, url: str, words: str) -> None:
    shop = Shop(tmp_path, {"SHOP_REDIS_URL": url})
    assert shop.run("migrate")[0] == 0
    for command in ("warm", "clear", "stats"):
        code, printed = await run(shop, command)
        assert code == 1
        assert words in printed
