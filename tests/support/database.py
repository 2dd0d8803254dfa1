"""Scratch databases and the kit to build one context on them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Kit
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.support.clock import FakeClock


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
            return [(row.type, row.payload) for row in rows]


def make_kit(context: str, database: Database, tables: PlatformTables, clock: Clock, wakes: list[None]) -> Kit:
    run = Executor(context, database, tables, clock, Metrics())
    return Kit(context, database, tables, clock, run, lambda: wakes.append(None))


@pytest.fixture
async def scratch_database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty SQLite database of this test's own."""
    database = open_database(f"sqlite:///{tmp_path}/shop.db")
    yield database
    await database.close()


@pytest.fixture
def make_bench(scratch_database: Database) -> Callable[..., Any]:
    """`await make_bench("orders", metadata, platform_tables)`: tables created, kit ready, clock standing still."""

    async def make(context: str, metadata: MetaData, tables: PlatformTables) -> Bench:
        async with scratch_database.writer.begin() as connection:
            await connection.run_sync(metadata.create_all)
        clock, wakes = FakeClock(), list[None]()
        return Bench(make_kit(context, scratch_database, tables, clock, wakes), clock, wakes)

    return make
