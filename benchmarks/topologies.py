"""What does it cost to be five? `python -m benchmarks.topologies --database PostgreSQL`

Serves the shop twice at once, on the same servers: as one process, and as five services behind the gateway with their
events by Kafka; then checks out in each of them in turns. To quote: the ratio of the two.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks import checkout
from benchmarks.database import database_server
from benchmarks.wrk import Figures, installed
from tests.support import gateway
from tests.support.brokers import Kafka
from tests.support.journey import stock_up
from tests.support.kafka_of_this_run import environment as kafka_environment
from tests.support.server import Server
from tests.support.servers import ENGINES
from tests.support.shop import ForkedShop, Shop, callers
from tests.support.split_shop import CONTEXTS, SplitShop

KINDS = 24
BUYERS = 16
ONE, FIVE = "one process", "five services"


@contextmanager
def shops(folder: Path, server: Server | None, broker: Kafka) -> Iterator[Mapping[str, Shop]]:
    """The same shop twice, each on databases of its own."""
    quiet = {"SHOP_LOG_LEVEL": "WARNING"}
    one = ForkedShop(folder / "one", quiet)
    five = SplitShop(folder / "five", quiet | kafka_environment(broker, folder / "five"))
    if server is not None:
        one.environment["SHOP_DATABASE_URL"] = server.new_database("shop_one")
        for context in CONTEXTS:
            five.environment[f"SHOP_{context.upper()}_DATABASE_URL"] = server.new_database(f"shop_five_{context}")
    with ExitStack() as ends:
        for shop in (one, five):
            ends.callback(shop.kill)
            shop.start("--no-demo")
        yield {ONE: one, FIVE: five}


async def goods(shop: Shop) -> list[str]:
    """Variants to be had there, enough for buyers not to meet at one of them."""
    async with callers(shop) as new:
        assert shop.admin is not None
        admin = await new().sign_in(*shop.admin)
        return [(await stock_up(admin, stock=1_000_000)).variant_id for _ in range(KINDS)]


async def main(options: argparse.Namespace) -> None:
    found: dict[str, list[Figures]] = {ONE: [], FIVE: []}
    with (
        database_server(options.database) as server,
        Kafka() as broker,
        tempfile.TemporaryDirectory() as folder,
        shops(Path(folder), server, broker) as running,
    ):
        variants = {name: await goods(shop) for name, shop in running.items()}
        for _ in range(options.rounds):
            for name, shop in running.items():
                figures = await checkout.measure(shop.url, variants[name], buyers=BUYERS, seconds=options.seconds)
                refused = f", {figures.refused} refused" if figures.refused else ""
                print(f"{name}: {figures.per_second:.1f} checkouts/s, p95 {figures.p95:.0f} ms{refused}", flush=True)
                found[name].append(figures)
    one, five = (median(each.per_second for each in figures) for figures in found.values())
    print(f"{options.database}: {one:.1f}/s as one process, {five:.1f}/s as five services: {five / one:.2f} x")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.topologies", description=__doc__)
    parser.add_argument("--database", choices=["SQLite", *ENGINES], default="SQLite")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="for each measurement")
    return parser.parse_args()


if __name__ == "__main__":
    if not installed():
        sys.exit("wrk is needed: apt install wrk")
    if reason := gateway.missing():
        sys.exit(reason)
    asyncio.run(main(parse()))
