"""The ceiling of a checkout on PostgreSQL: the statements that the shop says, said again by the bare driver.

Checkouts are recorded one by one, each until its last event and mail are done. Then the same transactions run on a copy
of the database as it was before, by as many connections as there were buyers, each with a checkout at a time.
"""

import asyncio
import io
import pickle
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from sqlalchemy import make_url

from benchmarks.recorded import Said
from tests.support.shop import ADDRESS, Caller, Shop

CONTEXTS = ("users", "products", "orders", "payments", "notifications")
Unit = list[Said]
_LEFT = " + ".join(f"(SELECT count(*) FROM {each}_outbox WHERE published_at IS NULL)" for each in CONTEXTS)
_LEFT += " + (SELECT count(*) FROM notifications_emails WHERE status = 'QUEUED')"
_UNPAID = "(SELECT count(*) FROM orders WHERE status = 'PENDING_PAYMENT')"


async def record(folder: Path, url: str, variant_ids: Sequence[str], *, checkouts: int) -> list[list[Unit]]:
    """Serve the database at `url`, check out so many times, and return each checkout's transactions in their order."""
    shop = Shop(folder / "recorded", {"SHOP_LOG_LEVEL": "WARNING", "SHOP_DATABASE_URL": url})
    shop.data_dir.mkdir()
    path = folder / "statements"
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.recorded", path, "serve"], env=shop.environment)
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(300):
            while not await asyncio.to_thread(shop._ready):
                await asyncio.sleep(0.1)
            watcher = await asyncpg.connect(_plain(url))
            buyer = await Caller(http, shop.url).sign_in_as_guest()
            abandoned = await watcher.fetchval(f"SELECT {_UNPAID}")
            found = []
            for number in range(checkouts + 1):
                start = path.stat().st_size
                await _check_out(buyer, variant_ids[number % len(variant_ids)])
                while await watcher.fetchval(f"SELECT {_LEFT} + {_UNPAID}") > abandoned:
                    await asyncio.sleep(0.01)
                found.append(_units(path.read_bytes()[start:]))
            await watcher.close()
    finally:
        process.terminate()
        process.wait()
    return found[1:]  # the first also reads and connects what the others find ready


async def replay(url: str, checkouts: Sequence[list[Unit]], *, connections: int) -> float:
    """Checkouts a second of the bare driver."""
    opened = [await asyncpg.connect(_plain(url)) for _ in range(connections)]
    todo = iter(checkouts)
    start = time.perf_counter()
    await asyncio.gather(*(_work(connection, todo) for connection in opened))
    took = time.perf_counter() - start
    for connection in opened:
        await connection.close()
    return len(checkouts) / took


async def copy(server_url: str, name: str, copied: str) -> None:
    """Make database `copied` as `name` is now; nobody may be connected to it."""
    connection = await asyncpg.connect(_plain(server_url))
    await connection.execute(f"CREATE DATABASE {copied} TEMPLATE {name}")
    await connection.close()


async def _check_out(buyer: Caller, variant_id: str) -> None:
    await buyer.post("/cart/items", {"variantId": variant_id, "quantity": 1})
    order = await buyer.post("/orders", {"shippingMethod": "standard", "address": ADDRESS, "email": "b@shop.example"})
    await buyer.post("/payments", {"orderId": order.data["id"], "method": "sandbox_ok"})


def _units(recorded: bytes) -> list[Unit]:
    """Transactions in the order of their ends; what was rolled back, or only looked idly round, is left out."""
    begun: dict[int, Unit] = defaultdict(list)
    units: list[Unit] = []
    for said in _said(recorded):
        if said.alone:
            units.append([said])
        elif said.sql in ("COMMIT", "ROLLBACK"):
            unit = begun.pop(said.connection, [])
            if unit and said.sql == "COMMIT":
                units.append(unit)
        else:
            begun[said.connection].append(said)
    return units


def _said(recorded: bytes) -> Iterator[Said]:
    stream = io.BytesIO(recorded)
    while stream.tell() < len(recorded):
        yield Said(*pickle.load(stream))


async def _work(connection: Any, todo: Iterator[list[Unit]]) -> None:
    for units in todo:
        for unit in units:
            if unit[0].alone:
                await _say(connection, unit[0])
                continue
            async with connection.transaction():
                for said in unit:
                    await _say(connection, said)


async def _say(connection: Any, said: Said) -> None:
    if said.many:
        await connection.executemany(said.sql, said.parameters)
    else:
        await connection.fetch(said.sql, *said.parameters)


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
