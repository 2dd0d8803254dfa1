"""`python -m benchmarks.cache`: a product list and a product, from each place where they may lie, beside the ceiling.

Whole answers over HTTP: from the response cache; made anew each time out of this process's memory, out of Redis, and
out of the database. And how long another process takes to hear that something changed.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from benchmarks import checkout
from benchmarks.__main__ import ceiling, outbox_empty
from benchmarks.catalogue import write_catalogue
from benchmarks.wrk import Load, drive, installed
from caddy_shopping.platform.cache.metrics import CacheMetrics
from caddy_shopping.platform.cache.shared import SharedCache
from caddy_shopping.platform.redis.link import Link
from tests.support.redis_server import RedisServer, missing
from tests.support.shop import Shop, eventually


def places(redis: RedisServer) -> Iterator[tuple[str, dict[str, str]]]:
    """Settings under which each answer comes from there."""
    anew, shared = {"SHOP_HTTP_CACHE_ENTRIES": "0"}, {"SHOP_REDIS_URL": redis.url}
    yield "response cache", shared
    yield "memory", anew | shared
    yield "Redis", anew | shared | {"SHOP_CACHE_ENTRIES": "0"}
    yield "database", anew | {"SHOP_REDIS_URL": ""}


async def main(options: argparse.Namespace) -> None:
    table = Table("answer", "from", "shop/s", "p50 ms", "p95 ms", "ceiling/s", "ratio")
    with RedisServer() as redis, tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_catalogue(folder / "catalogue.csv", options.products)
        code, output = Shop(folder / "data").run("import-products", str(folder / "catalogue.csv"))
        if code:
            raise RuntimeError(output)
        for place, settings in places(redis):
            shop = Shop(folder / "data", {"SHOP_LOG_LEVEL": "WARNING", **settings})
            shop.start()
            try:
                await outbox_empty(shop)
                slug = (await checkout.goods(shop.url))[0]["slug"]
                for name, path in (("list of 24", "/api/v1/products?limit=24"), ("detail", f"/api/v1/products/{slug}")):
                    table.add_row(name, place, *await measured(shop, Load(path), folder, options.seconds))
            finally:
                shop.stop()
        delays = await news(redis, 200)
    console = Console(width=100)
    console.print(table)
    p99 = statistics.quantiles(delays, n=100)[98]
    console.print(f"another process hears of a change: p50 {statistics.median(delays):.1f} ms, p99 {p99:.1f} ms")


async def measured(shop: Shop, load: Load, folder: Path, seconds: float) -> list[str]:
    drive(shop.url, load, connections=32, seconds=1)
    found = drive(shop.url, load, connections=32, seconds=seconds)
    async with ceiling(shop.url, load, folder) as url:
        drive(url, load, connections=32, seconds=1)
        bare = drive(url, load, connections=32, seconds=seconds).per_second
    figures = [f"{found.per_second:,.0f}", f"{found.p50:.1f}", f"{found.p95:.1f}", f"{bare:,.0f}"]
    return [*figures, f"{found.per_second / bare:.0%}"]


async def news(redis: RedisServer, times: int) -> list[float]:
    """Milliseconds from one cache's `forget` to the other's knowing."""
    heard = asyncio.Event()
    links = [Link(redis.url, CollectorRegistry()) for _ in range(2)]
    teller = SharedCache(links[0], CacheMetrics(CollectorRegistry()), lambda tags: None)
    hearer = SharedCache(links[1], CacheMetrics(CollectorRegistry()), lambda tags: heard.set())
    for cache in (teller, hearer):
        await cache.start()

    async def ready() -> bool:
        return teller.news.hearing and hearer.news.hearing and not (teller.news.owing or hearer.news.owing)

    await eventually(ready)
    delays = []
    for _ in range(times):
        await asyncio.sleep(0.005)
        heard.clear()
        began = perf_counter()
        teller.forget(["thing"])
        await heard.wait()
        delays.append((perf_counter() - began) * 1000)
    for cache, link in zip((teller, hearer), links, strict=True):
        await cache.stop()
        await link.close()
    return delays


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cache", description=__doc__)
    parser.add_argument("--products", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=5, help="for each measurement")
    return parser.parse_args()


if __name__ == "__main__":
    for reason in filter(None, (missing(), None if installed() else "wrk: apt install wrk")):
        sys.exit(reason)
    asyncio.run(main(parse()))
