"""Does anything cost more in a large or an old shop? `python -m benchmarks.sizes --products 1000 100000`

Serves two shops at once, of two sizes, and asks each of them in turns. To quote: the ratios of the two, of list and
detail in requests a second, of checkouts in the p95 from placing an order to its being PAID.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from benchmarks import checkout
from benchmarks.database import database_server
from benchmarks.wrk import Figures, Load, drive, installed
from caddy_shopping.platform.db.engine import open_database
from tests.support.bulk import fill
from tests.support.bulk_words import Scale
from tests.support.server import Server
from tests.support.servers import ENGINES
from tests.support.shop import Shop

BUYERS = 16
# The rows are made to be looked at: what waits there for the shop to do something is ended, and the stock filled up.
_SETTLE = (
    "UPDATE orders SET status = 'COMPLETED' WHERE status = 'PENDING_PAYMENT'",
    "UPDATE payments SET status = 'SUCCEEDED' WHERE status = 'PENDING'",
    "UPDATE product_reserved SET state = 'sold' WHERE state = 'held'",
    "UPDATE product_variants SET stock = 10000000",
)


@asynccontextmanager
async def shop_of(folder: Path, server: Server | None, scale: Scale) -> AsyncIterator[tuple[Shop, Sequence[Any]]]:
    """A shop of that size, and details of products to be had there."""
    environment = {"SHOP_LOG_LEVEL": "WARNING"}
    if server is not None:
        environment["SHOP_DATABASE_URL"] = server.new_database(folder.name)
    shop = Shop(folder, environment)
    code, output = shop.run("migrate")
    if code:
        raise RuntimeError(output)
    database = open_database(environment.get("SHOP_DATABASE_URL", f"sqlite:///{folder}/shop.db"))
    await fill(database, scale)
    async with database.writer.begin() as connection:
        for statement in _SETTLE:
            await connection.execute(text(statement))
    await database.close()
    shop.start("--no-demo")
    try:
        yield shop, await checkout.goods(shop.url)
    finally:
        shop.stop()


async def main(options: argparse.Namespace) -> None:
    sizes = [Scale(products, orders) for products, orders in zip(options.products, options.orders, strict=True)]
    found: dict[str, list[list[Figures]]] = {"list": [[], []], "detail": [[], []], "checkout": [[], []]}
    with database_server(options.database) as server, tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            shops = [
                await stack.enter_async_context(shop_of(Path(folder) / f"shop_{n}", server, scale))
                for n, scale in enumerate(sizes)
            ]
            for _ in range(options.rounds):
                for n, (shop, details) in enumerate(shops):
                    for what, figures in (await measured(shop, details, options.seconds)).items():
                        print(
                            f"{what}, {size(sizes[n])}: {figures.per_second:.1f}/s, p95 {figures.p95:.1f} ms",
                            flush=True,
                        )
                        found[what][n].append(figures)
    print(f"{options.database}, {size(sizes[0])} and {size(sizes[1])}, medians:")
    for what in ("list", "detail"):
        few, many = (median(each.per_second for each in figures) for figures in found[what])
        print(f"{what}: {few:.0f}/s, {many:.0f}/s: {few / many:.2f} x")
    few, many = (median(each.p95 for each in figures) for figures in found["checkout"])
    print(f"checkout: p95 {few:.0f} ms, {many:.0f} ms: {many / few:.2f} x")


async def measured(shop: Shop, details: Sequence[Any], seconds: float) -> dict[str, Figures]:
    detail = Load(f"/api/v1/products/{details[0]['slug']}")
    variants = [each["variants"][0]["id"] for each in details]
    return {
        "list": drive(shop.url, Load("/api/v1/products?limit=24"), connections=32, seconds=seconds),
        "detail": drive(shop.url, detail, connections=32, seconds=seconds),
        "checkout": await checkout.measure(shop.url, variants, buyers=BUYERS, seconds=seconds),
    }


def size(scale: Scale) -> str:
    return f"{scale.products:,} products and {scale.orders:,} orders"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes", description=__doc__)
    parser.add_argument("--database", choices=["SQLite", *ENGINES], default="SQLite")
    parser.add_argument("--products", type=int, nargs=2, default=[1_000, 100_000], help="few and many")
    parser.add_argument("--orders", type=int, nargs=2, default=[1_000, 1_000_000], help="few and many")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="for each measurement")
    return parser.parse_args()


if __name__ == "__main__":
    if not installed():
        sys.exit("wrk is needed: apt install wrk")
    asyncio.run(main(parse()))
