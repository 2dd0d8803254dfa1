"""A transaction that is cancelled between any two moments: all of it is gone, and its connection with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.db.prepared import Prepared
from tests.support import toy
from tests.support.engines import engine_url

__all__ = ["engine_url"]

ADD = Prepared(insert(toy.counters))
NAMES = Prepared(select(toy.counters.c.name))
MOMENTS = 60
"""Of cancellation, from before the first byte to long after the last one."""


@pytest.fixture
async def database(engine_url: str) -> AsyncIterator[Database]:
    """Without a row; one connection writes, so that whatever is left on it meets the next one."""
    opened = open_database(engine_url, pool_size=1)
    async with opened.writer.begin() as connection:
        await connection.run_sync(toy.metadata.drop_all)
        await connection.run_sync(toy.metadata.create_all)
    yield opened
    await opened.close()


async def add(database: Database, name: str, end: asyncio.Event) -> None:
    async with database.writing() as writing:
        await writing.run(ADD, {"id": new_id(), "name": name, "value": 0})
        await end.wait()


async def rows_after_cancellations(database: Database) -> set[str]:
    """Each cancelled transaction is followed by one that comes to its end."""
    never, at_once = asyncio.Event(), asyncio.Event()
    at_once.set()
    for moment in range(MOMENTS):
        task = asyncio.create_task(add(database, f"cancelled {moment}", never))
        for _ in range(moment % 20):
            await asyncio.sleep(0)
        await asyncio.sleep(0.0001 * moment)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await add(database, f"whole {moment}", at_once)
    async with database.glance() as glance:
        return {row.name for row in await glance.run(NAMES)}


WHOLE = {f"whole {moment}" for moment in range(MOMENTS)}


async def test_what_was_cancelled_is_not_committed_by_the_next(database: Database) -> None:
    assert await rows_after_cancellations(database) == WHOLE


async def test_negative_control_a_connection_in_doubt_goes_back_to_the_pool(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL what the next one wrote is lost without a word; the others' driver refuses to go on."""
    if database.dialect == "sqlite":
        pytest.skip("servers only: SQLite has no pool of writing connections")
    monkeypatch.setattr(Connection, "invalidate", lambda *_: None)
    if database.dialect == "postgresql":
        assert await rows_after_cancellations(database) != WHOLE
    else:
        with pytest.raises(DBAPIError, match="Cancelled during execution"):
            await rows_after_cancellations(database)
