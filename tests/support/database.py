"""Scratch databases and the kit to build one context on them."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import MetaData, select, text

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.platform.cache.alone import MemoryCache
from caddy_shopping.platform.cache.metrics import CacheMetrics
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Kit
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.support.clock import FakeClock
from tests.support.engine import ENGINE


@dataclass
class Bench:
    """One context's kit on a scratch database, and a look at what it left in the outbox."""

    kit: Kit
    clock: FakeClock
    wakes: list[None] = field(default_factory=list)

    async def outbox(self) -> list[tuple[str, bytes]]:
        """(type, payload) of every event written so far, oldest first."""
        table = self.kit.tables.outbox
        async with self.kit.database.read() as connection:
            rows = await connection.execute(select(table.c.type, table.c.payload).order_by(table.c.seq))
            return [(row.type, bytes(row.payload)) for row in rows]


MakeBench = Callable[[str, MetaData, PlatformTables], Awaitable[Any]]


def make_kit(context: str, database: Database, tables: PlatformTables, clock: Clock, wakes: list[None]) -> Kit:
    metrics = Metrics()
    run = Executor(context, database, tables, clock, metrics)
    cache = MemoryCache(CacheMetrics(metrics.registry), lambda tags: None)
    return Kit(context, database, tables, clock, run, lambda _: wakes.append(None), cache)


@pytest.fixture
async def scratch_database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of this test's own, without tables."""
    url = ENGINE.url_of(tmp_path)
    database = open_database(url)
    yield database
    await database.close()
    ENGINE.forget(tmp_path)


@asynccontextmanager
async def filed(metadata: MetaData) -> AsyncIterator[str]:
    """The URL of a database of one's own with these tables, all empty.

    Making tables takes longer than most tests, and a server seconds. They are made once: a file is copied then, and
    a server's database emptied and used again.
    """
    if ENGINE.embedded:
        with TemporaryDirectory() as folder:
            (Path(folder) / "shop.db").write_bytes(await _file(metadata))
            yield ENGINE.url_of(Path(folder))
        return
    free = _FREE[metadata]
    if free:
        url = free.pop()
        await _with(url, lambda database: _empty(database, metadata))
    else:
        url = ENGINE.new_database()
        await _with(url, lambda database: _create(database, metadata))
    yield url
    free.append(url)


_FREE: dict[MetaData, list[str]] = defaultdict(list)
_FILES: dict[MetaData, bytes] = {}


async def _file(metadata: MetaData) -> bytes:
    """An SQLite file with these tables."""
    if metadata not in _FILES:
        with TemporaryDirectory() as folder:
            await _with(ENGINE.url_of(Path(folder)), lambda database: _create(database, metadata))
            _FILES[metadata] = (Path(folder) / "shop.db").read_bytes()
    return _FILES[metadata]


async def _with(url: str, act: Callable[[Database], Awaitable[None]]) -> None:
    database = open_database(url)
    try:
        await act(database)
    finally:
        await database.close()


async def _create(database: Database, metadata: MetaData) -> None:
    async with database.writer.begin() as connection:
        await connection.run_sync(metadata.create_all)


async def _empty(database: Database, metadata: MetaData) -> None:
    async with database.writer.begin() as connection:
        if database.dialect != "postgresql":
            # Rows of one table that point at each other go in any order.
            await connection.execute(text("SET FOREIGN_KEY_CHECKS = 0"))
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())


@asynccontextmanager
async def opened(metadata: MetaData) -> AsyncIterator[Database]:
    """As `filed`, and opened."""
    async with filed(metadata) as url:
        database = open_database(url)
        try:
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def benches() -> AsyncIterator[MakeBench]:
    """`await make("orders", metadata, platform_tables)`: empty tables, kit ready, clock standing still."""
    async with AsyncExitStack() as stack:

        async def make(context: str, metadata: MetaData, tables: PlatformTables) -> Bench:
            database = await stack.enter_async_context(opened(metadata))
            clock, wakes = FakeClock(), list[None]()
            return Bench(make_kit(context, database, tables, clock, wakes), clock, wakes)

        yield make


@pytest.fixture
async def make_bench() -> AsyncIterator[MakeBench]:
    """As `benches`, for as long as a test lasts."""
    async with benches() as make:
        yield make
