"""The embedded database: one writer, many readers, nothing lost."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.db.faults import DatabaseBusy, DatabaseDown, classify
from tests.support.engine import only_sqlite

pytestmark = only_sqlite("its one writer, its pragmas, its locks")
metadata = MetaData()
numbers = Table("numbers", metadata, Column("id", Integer, primary_key=True), Column("value", Integer))


@pytest.fixture
async def database(scratch_database: Database) -> Database:
    async with scratch_database.writer.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(insert(numbers), [{"id": 1, "value": 0}])
    return scratch_database


async def _value(database: Database) -> object:
    async with database.read() as connection:
        return (await connection.execute(select(numbers.c.value))).scalar()


async def test_the_writer_s_settings(database: Database) -> None:
    async with database.writer.connect() as connection:
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar() == 1
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
        assert (await connection.execute(text("PRAGMA foreign_keys"))).scalar() == 1


async def test_a_hundred_writers_at_once_lose_no_update(database: Database) -> None:
    async def add() -> None:
        async with database.writer.begin() as connection:
            seen = (await connection.execute(select(numbers.c.value))).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(update(numbers).values(value=seen + 1))

    await asyncio.gather(*(add() for _ in range(100)))
    assert await _value(database) == 100


async def test_a_rolled_back_write_leaves_nothing(database: Database) -> None:
    async with database.writer.connect() as connection:
        await connection.execute(update(numbers).values(value=7))
        await connection.rollback()
    assert await _value(database) == 0


async def test_readers_see_only_what_is_committed(database: Database) -> None:
    async with database.writer.begin() as connection:
        await connection.execute(update(numbers).values(value=7))
        assert await _value(database) == 0
    assert await _value(database) == 7


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        async with database.reader.begin() as connection:
            await connection.execute(update(numbers).values(value=7))
    assert await _value(database) == 0


async def test_waiting_for_the_writer_is_bounded(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/shop.db", pool_timeout=0.05)
    async with database.writer.begin() as first:
        await first.run_sync(metadata.create_all)
        with pytest.raises(OperationalError) as fault:
            async with database.writer.begin():
                pass
    assert isinstance(classify(fault.value), DatabaseBusy)
    await database.close()


async def test_another_process_holding_the_lock_is_waited_for(database: Database) -> None:
    other = sqlite3.connect(str(database.writer.url.database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.05, other.execute, "COMMIT")
    async with database.writer.begin() as connection:
        await connection.execute(update(numbers).values(value=1))
    other.close()
    assert await _value(database) == 1


async def test_faults_have_names(database: Database) -> None:
    with pytest.raises(IntegrityError) as broken:
        async with database.writer.begin() as connection:
            await connection.execute(insert(numbers), [{"id": 1, "value": 1}])
    assert isinstance(classify(broken.value), ConcurrentChange)
    with pytest.raises(OperationalError) as missing:
        async with database.read() as connection:
            await connection.execute(text("SELECT * FROM nowhere"))
    assert classify(missing.value) is None
    assert classify(ZeroDivisionError()) is None


async def test_a_database_that_is_away_is_called_away(tmp_path: Path) -> None:
    (tmp_path / "shop.db").mkdir()
    database = open_database(f"sqlite:///{tmp_path}/shop.db")
    with pytest.raises(OperationalError) as away:
        async with database.read():
            pass
    assert isinstance(classify(away.value), DatabaseDown)


async def test_a_lock_held_too_long_is_called_busy(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("BEGIN IMMEDIATE")
    database = open_database(f"sqlite:///{tmp_path}/shop.db", lock_timeout=0.05)
    with pytest.raises(OperationalError) as locked:
        async with database.writer.begin():
            pass
    assert isinstance(classify(locked.value), DatabaseBusy)
    await database.close()
    other.close()


async def test_streams_of_rows_can_be_fetched_piecemeal(database: Database) -> None:
    async with database.writer.begin() as connection:
        await connection.execute(insert(numbers), [{"id": n, "value": n} for n in range(2, 12)])
    async with database.read() as connection:
        result = await connection.execute(select(numbers.c.id).order_by(numbers.c.id))
        assert result.fetchmany(3) == [(1,), (2,), (3,)]
        assert result.first() == (4,)


SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT max(i) FROM n"


async def test_a_cancelled_read_lets_go_of_its_connection_first(database: Database) -> None:
    """Closed under a running statement, SQLite takes the whole process with it."""

    async def count_to_a_billion() -> None:
        async with database.read() as connection:
            await connection.execute(text(SLOW))

    for _ in range(5):
        reading = asyncio.create_task(count_to_a_billion())
        await asyncio.sleep(0.02)
        reading.cancel()
        async with asyncio.timeout(2):
            await asyncio.gather(reading, return_exceptions=True)
        assert reading.cancelled()
    assert await _value(database) == 0


async def test_a_writer_cancelled_while_another_process_writes_leaves_nothing_behind(database: Database) -> None:
    other = sqlite3.connect(str(database.writer.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write(value: int) -> None:
        async with database.writer.begin() as connection:
            await connection.execute(update(numbers).values(value=value))

    waiting = asyncio.create_task(write(1))
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    other.execute("COMMIT")
    other.close()
    await write(2)
    assert await _value(database) == 2
