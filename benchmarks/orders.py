"""Does a checkout cost more in an old shop? `python -m benchmarks.orders --database PostgreSQL`

Serves two shops at once, one with a thousand orders and one with a million, and checks out in each of them in turns.
To quote: the ratio of the two p95, from placing an order to its being PAID.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from sqlalchemy import text

from benchmarks import checkout
from benchmarks.database import database_server
from benchmarks.wrk import Figures, installed
from caddy_shopping.platform.db.engine import open_database
from tests.support.bulk import fill
from tests.support.bulk_words import Scale
from tests.support.server import Server
from tests.support.servers import ENGINES
from tests.support.shop import Shop

PRODUCTS = 1_000
BUYERS = 16
# The rows are made to be looked at: what waits there for the shop to do something is ended, and the stock filled up.
_SETTLE = (
    "UPDATE orders SET status = 'COMPLETED' WHERE status = 'PENDING_PAYMENT'",
    "UPDATE payments SET status = 'SUCCEEDED' WHERE status = 'PENDING'",
    "UPDATE product_reservations SET state = 'sold' WHERE state = 'held'",
    "UPDATE product_variants SET stock = 10000000",
)


@asynccontextmanager
async def old_shop(folder: Path, server: Server | None, orders: int) -> AsyncIterator[tuple[Shop, Sequence[str]]]:
    """A shop that has sold `orders` times, and variants to be had there."""
    environment = {"SHOP_LOG_LEVEL": "WARNING"}
    if server is not None:
        environment["SHOP_DATABASE_URL"] = server.new_database(f"shop_{orders}")
    shop = Shop(folder, environment)
    code, output = shop.run("migrate")
    if code:
        raise RuntimeError(output)
    database = open_database(environment.get("SHOP_DATABASE_URL", f"sqlite:///{folder}/shop.db"))
    await fill(database, Scale(PRODUCTS, orders))
    async with database.writer.begin() as connection:
        for statement in _SETTLE:
            await connection.execute(text(statement))
    await database.close()
    shop.start("--no-demo")
    try:
        yield shop, [detail["variants"][0]["id"] for detail in await checkout.goods(shop.url)]
    finally:
        shop.stop()


async def main(options: argparse.Namespace) -> None:
    few, many = options.orders
    found: dict[int, list[Figures]] = {few: [], many: []}
    with database_server(options.database) as server, tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            shops = {
                orders: await stack.enter_async_context(old_shop(Path(folder) / str(orders), server, orders))
                for orders in found
            }
            for _ in range(options.rounds):
                for orders, (shop, variants) in shops.items():
                    figures = await checkout.measure(shop.url, variants, buyers=BUYERS, seconds=options.seconds)
                    print(f"{orders:>9,} orders: {figures.per_second:.1f}/s, p95 {figures.p95:.0f} ms", flush=True)
                    found[orders].append(figures)
    p95 = {orders: median(each.p95 for each in figures) for orders, figures in found.items()}
    print(f"{options.database}: p95 {p95[few]:.0f} ms, {p95[many]:.0f} ms: {p95[many] / p95[few]:.2f} x")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orders", description=__doc__)
    parser.add_argument("--database", choices=["SQLite", *ENGINES], default="SQLite")
    parser.add_argument("--orders", type=int, nargs=2, default=[1_000, 1_000_000], help="few and many")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="for each measurement")
    return parser.parse_args()


if __name__ == "__main__":
    if not installed():
        sys.exit("wrk is needed: apt install wrk")
    asyncio.run(main(parse()))
