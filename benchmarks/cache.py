"""`python -m benchmarks.cache`: a product list and a product, from each place where they may lie, beside the ceiling.

Whole answers over HTTP: from the response cache; made anew each time out of this process's memory, out of Redis, and
out of the database. And how long another process takes to know that something changed, beside a bare message of Redis.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import checkout, news
from benchmarks.__main__ import ceiling, outbox_empty
from benchmarks.catalogue import write_catalogue
from benchmarks.wrk import Load, drive, installed
from tests.support.redis_server import RedisServer, missing
from tests.support.shop import Shop


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
        delays, bare = await news.delays(redis.url, options.changes)
    console = Console(width=100)
    console.print(table)
    console.print(f"another process knows of a change: {percentiles(delays)}; a bare message: {percentiles(bare)}")


def percentiles(delays: list[float]) -> str:
    return f"p50 {statistics.median(delays):.1f} ms, p99 {statistics.quantiles(delays, n=100)[98]:.1f} ms"


async def measured(shop: Shop, load: Load, folder: Path, seconds: float) -> list[str]:
    drive(shop.url, load, connections=32, seconds=1)
    found = drive(shop.url, load, connections=32, seconds=seconds)
    async with ceiling(shop.url, load, folder) as url:
        drive(url, load, connections=32, seconds=1)
        bare = drive(url, load, connections=32, seconds=seconds).per_second
    figures = [f"{found.per_second:,.0f}", f"{found.p50:.1f}", f"{found.p95:.1f}", f"{bare:,.0f}"]
    return [*figures, f"{found.per_second / bare:.0%}"]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cache", description=__doc__)
    parser.add_argument("--products", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=5, help="for each measurement")
    parser.add_argument("--changes", type=int, default=500, help="of which another process is told")
    return parser.parse_args()


if __name__ == "__main__":
    for reason in filter(None, (missing(), None if installed() else "wrk: apt install wrk")):
        sys.exit(reason)
    asyncio.run(main(parse()))
