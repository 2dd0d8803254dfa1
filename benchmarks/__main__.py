"""`make bench`: the shop beside the ceiling, in one run.

For each size of the catalogue it serves a fresh shop, measures each request with wrk, and right after it
a bare ASGI application under the same server that answers with the same bytes. The ratio is the figure to
quote: the machine's speed cancels out.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from benchmarks import checkout, replay
from benchmarks.catalogue import write_catalogue
from benchmarks.database import database_server
from benchmarks.wrk import Figures, Load, drive, installed
from tests.support.server import Server
from tests.support.servers import ENGINES, PostgreSQL
from tests.support.shop import Caller, Shop

GUESTS = 200
PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: the shop, the ceiling, and how they compare."""

    products: int
    name: str
    shop: Figures
    ceiling: Figures | None

    @property
    def ratio(self) -> float | None:
        return self.shop.per_second / self.ceiling.per_second if self.ceiling else None


async def main(options: argparse.Namespace) -> None:
    rows: list[Row] = []
    notes: dict[str, Any] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "database": options.database,
    }
    with database_server(options.database) as server:
        for products in options.products:
            with tempfile.TemporaryDirectory() as folder:
                rows += await measure_shop(Path(folder), products, options, notes, server)
    report(rows, notes)
    if options.json:
        text = json.dumps({"notes": notes, "rows": [asdict(row) | {"ratio": row.ratio} for row in rows]}, indent=2)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(text)


async def measure_shop(
    folder: Path, products: int, options: argparse.Namespace, notes: dict[str, Any], server: Server | None
) -> list[Row]:
    # One account signs in again and again, from one address: what the limits are for.
    environment = {"SHOP_LOG_LEVEL": "WARNING", "SHOP_USERS_SIGN_IN_TRIES": "100000"}
    database = f"shop_{products}"
    if server is not None:
        environment["SHOP_DATABASE_URL"] = server.new_database(database)
    shop = Shop(folder / "data", environment)
    write_catalogue(folder / "catalogue.csv", products)
    began = time.perf_counter()
    code, output = shop.run("import-products", str(folder / "catalogue.csv"))
    if code:
        raise RuntimeError(output)
    notes[f"import_products_per_second_{products}"] = round(products / (time.perf_counter() - began))
    shop.start()
    await outbox_empty(shop)
    notes[f"idle_rss_mib_{products}"] = round(shop.resident_bytes() / 2**20, 1)
    try:
        rows, variants = await measure_requests(shop, folder, products, options)
    finally:
        shop.stop()
    if isinstance(server, PostgreSQL):
        bare = await bare_checkouts(server, database, folder, variants)
        notes[f"bare_driver_checkouts_per_second_{products}"] = round(bare, 1)
        notes[f"checkout_to_bare_driver_{products}"] = f"{rows[-1].shop.per_second / bare:.0%}"
    return rows


async def bare_checkouts(server: PostgreSQL, database: str, folder: Path, variants: Sequence[str]) -> float:
    """Checkouts a second of the driver alone: what the whole ones are to be compared with."""
    await replay.copy(server.url, database, f"{database}_copy")
    url = make_url(server.url)

    def of(name: str) -> str:
        return url.set(database=name).render_as_string(hide_password=False)

    checkouts = await replay.record(folder, of(database), variants, checkouts=200)
    return await replay.replay(of(f"{database}_copy"), checkouts, connections=16)


async def outbox_empty(shop: Shop) -> None:
    """Return once the events of the import are published: they are not what is measured."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(600):
        while True:
            await asyncio.sleep(2)
            async with http.get(f"{shop.url}/metrics") as answer:
                lines = (await answer.text()).splitlines()
            if not [line for line in lines if line.startswith("outbox_oldest_seconds{") and not line.endswith(" 0.0")]:
                return


async def measure_requests(
    shop: Shop, folder: Path, products: int, options: argparse.Namespace
) -> tuple[list[Row], list[str]]:
    details = await checkout.goods(shop.url)
    variants = [detail["variants"][0]["id"] for detail in details]
    async with aiohttp.ClientSession() as http:
        tokens = [str((await Caller(http, shop.url).sign_in_as_guest()).token) for _ in range(GUESTS)]
        buyer = await Caller(http, shop.url).register("bench@shop.example", PASSWORD)
    loads = {
        "product list of 24": Load("/api/v1/products?limit=24"),
        "product detail": Load(f"/api/v1/products/{details[0]['slug']}"),
        "add to cart": Load(
            "/api/v1/cart/items",
            "POST",
            tuple(tokens),
            tuple(json.dumps({"variantId": each, "quantity": 1}) for each in variants),
        ),
        "sign in": Load("/api/v1/auth/login", "POST", (), (json.dumps({"email": buyer.email, "password": PASSWORD}),)),
    }
    rows = []
    for name, load in loads.items():
        # More sign-ins at once than the bounded pool of hashers takes are refused with 429, as they should be.
        connections = min(options.connections, 16) if name == "sign in" else options.connections
        drive(shop.url, load, connections=connections, seconds=1)
        measured = drive(shop.url, load, connections=connections, seconds=options.seconds)
        async with ceiling(shop.url, load, folder) as url:
            drive(url, load, connections=connections, seconds=1)
            bare = drive(url, load, connections=connections, seconds=options.seconds)
        rows.append(Row(products, name, measured, bare))
    whole = await checkout.measure(shop.url, variants, buyers=16, seconds=2 * options.seconds)
    rows.append(Row(products, "whole checkout", whole, None))
    return rows, variants


@asynccontextmanager
async def ceiling(shop_url: str, load: Load, folder: Path) -> AsyncIterator[str]:
    """The bare application, answering with the bytes and headers that the shop answers with."""
    headers = {"Content-Type": "application/json"}
    if load.tokens:
        headers["Authorization"] = f"Bearer {load.tokens[0]}"
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.request(
            load.method,
            shop_url + load.path,
            headers=headers,
            data=load.bodies[0] if load.bodies else None,
            # As wrk asks: it takes no compressed answer, and a ceiling that sends one sends less than the shop.
            skip_auto_headers=("Accept-Encoding",),
        ) as answer,
    ):
        (folder / "body").write_bytes(await answer.read())
        hop_by_hop = {"content-length", "date", "server", "transfer-encoding"}
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in hop_by_hop]
        (folder / "headers").write_text(json.dumps(kept))
    port = Shop(folder / "unused").port
    command = [sys.executable, "-m", "benchmarks.ceiling", str(port), str(folder / "body"), str(folder / "headers")]
    process = subprocess.Popen(command)
    try:
        await _listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


def report(rows: list[Row], notes: dict[str, Any]) -> None:
    table = Table("products", "request", "shop/s", "p50 ms", "p95 ms", "p99 ms", "refused", "ceiling/s", "ratio")
    for row in rows:
        shop = row.shop
        table.add_row(
            f"{row.products:,}",
            row.name,
            f"{shop.per_second:,.0f}",
            f"{shop.p50:.1f}",
            f"{shop.p95:.1f}",
            f"{shop.p99:.1f}",
            str(shop.refused),
            f"{row.ceiling.per_second:,.0f}" if row.ceiling else "–",
            f"{row.ratio:.0%}" if row.ratio is not None else "–",
        )
    console = Console(width=110)
    console.print(table)
    for name, value in notes.items():
        console.print(f"{name}: {value}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--products", type=int, nargs="+", default=[1_000, 100_000], help="catalogue sizes")
    parser.add_argument(
        "--database", choices=["SQLite", *ENGINES], default="SQLite", help="a private server is started for the others"
    )
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5, help="for each measurement")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/latest.json"))
    return parser.parse_args()


if __name__ == "__main__":
    if not installed():
        sys.exit("wrk is needed: apt install wrk")
    asyncio.run(main(parse()))
