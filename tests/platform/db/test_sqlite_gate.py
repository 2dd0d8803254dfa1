"""Group commit: nothing is acknowledged before it is on the disk, and one sync serves many."""

import asyncio
import gc
import os
import sqlite3
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select
from sqlalchemy.exc import OperationalError

from caddy_shopping.platform.db.dialects.sqlite_gate import WriteGate
from caddy_shopping.platform.db.engine import Database, EmbeddedDatabase, open_database
from caddy_shopping.platform.db.faults import DatabaseDown, classify
from caddy_shopping.platform.db.prepared import Prepared
from tests.support.engine import only_sqlite

pytestmark = only_sqlite("its gate, its syncs, its files")
metadata = MetaData()
marks = Table("marks", metadata, Column("id", Integer, primary_key=True))
_MARK, _COUNT = Prepared(insert(marks)), Prepared(select(func.count()).select_from(marks))


class Disk:
    """Stands in for `os.fdatasync`: counts, and waits while `held`."""

    def __init__(self) -> None:
        self.syncs = 0
        self.free = threading.Event()
        self.free.set()
        self.fault: OSError | None = None

    def __call__(self, descriptor: int) -> None:
        self.free.wait(10)
        if self.fault is not None:
            raise self.fault
        self.syncs += 1


@pytest.fixture
async def disk(scratch_database: Database, monkeypatch: pytest.MonkeyPatch) -> Disk:
    async with scratch_database.writer.begin() as connection:
        await connection.run_sync(metadata.create_all)
    disk = Disk()
    monkeypatch.setattr(os, "fdatasync", disk)
    return disk


async def _mark(database: Database, number: int) -> None:
    async with database.writing() as writing:
        await writing.run(_MARK, {"id": number})


async def _count(database: Database) -> int:
    async with database.glance() as glance:
        return int((await glance.run(_COUNT)).scalar())


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_commit_returns_after_the_sync_that_follows_it(scratch_database: Database, disk: Disk) -> None:
    disk.free.clear()
    writing = asyncio.create_task(_mark(scratch_database, 1))
    async with asyncio.timeout(5):
        while await _count(scratch_database) == 0:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    assert not writing.done()
    disk.free.set()
    await writing
    assert disk.syncs == 1


async def test_who_commits_during_a_sync_waits_for_the_next(scratch_database: Database, disk: Disk) -> None:
    disk.free.clear()
    first = asyncio.create_task(_mark(scratch_database, 1))
    await asyncio.sleep(0.02)
    others = [asyncio.create_task(_mark(scratch_database, number)) for number in range(2, 6)]
    async with asyncio.timeout(5):
        while await _count(scratch_database) < 5:
            await asyncio.sleep(0.001)
    disk.free.set()
    await asyncio.gather(first, *others)
    # Five commits, two syncs: the first one's, and one for all who came meanwhile.
    assert disk.syncs == 2


async def test_a_cancelled_writer_gives_its_turn_back(scratch_database: Database, disk: Disk) -> None:
    inside = asyncio.Event()

    async def never_ends() -> None:
        async with scratch_database.writer.begin() as connection:
            await connection.execute(insert(marks).values(id=1))
            inside.set()
            await asyncio.sleep(60)

    stuck = asyncio.create_task(never_ends())
    await inside.wait()
    waiting = asyncio.create_task(_mark(scratch_database, 2))
    await asyncio.sleep(0.01)
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)
    await waiting
    assert await _count(scratch_database) == 1


async def test_a_log_that_was_made_anew_is_synced_anew(tmp_path: Path) -> None:
    """The last connection removes the log; syncing the old one would prove nothing about the new."""
    database = open_database(f"sqlite:///{tmp_path}/shop.db")
    assert isinstance(database, EmbeddedDatabase)
    for number in range(2):
        async with database.writer.begin() as connection:
            await connection.run_sync(metadata.create_all)
            await connection.execute(insert(marks).values(id=number))
        synced = os.fstat(database.gate._descriptor or -1)
        assert synced.st_ino == (tmp_path / "shop.db-wal").stat().st_ino
        assert synced.st_nlink == 1
        await database.writer.dispose()
        assert not (tmp_path / "shop.db-wal").exists()
    await database.close()


async def test_a_database_in_memory_has_nothing_to_sync() -> None:
    gate = WriteGate(":memory:", 1.0)
    await gate.durable()
    gate.close()


async def test_after_a_failed_sync_nothing_is_acknowledged_any_more(scratch_database: Database, disk: Disk) -> None:
    """The system may have dropped the pages that it could not write; a sync that works now proves nothing."""
    disk.fault = OSError(5, "Input/output error")
    with pytest.raises(OperationalError):
        await _mark(scratch_database, 1)
    disk.fault = None
    with pytest.raises(OperationalError) as fault:
        await _mark(scratch_database, 2)
    assert isinstance(classify(fault.value), DatabaseDown)


async def test_turns_are_given_in_the_order_of_asking() -> None:
    gate, order = WriteGate(None, 1.0), list[int]()

    async def write(number: int) -> None:
        await gate.enter()
        order.append(number)
        await asyncio.sleep(0)
        gate.leave()

    await asyncio.gather(*(write(number) for number in range(20)))
    assert order == list(range(20))


async def test_nobody_waits_longer_than_the_time_out_however_busy_the_gate() -> None:
    gate = WriteGate(None, 0.05)
    await gate.enter()
    waiting = [asyncio.create_task(gate.enter()) for _ in range(5)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(result) for result in results} == {sqlite3.OperationalError}
    gate.leave()
    await gate.enter()


async def test_a_turn_that_comes_with_a_cancellation_is_passed_on() -> None:
    gate = WriteGate(None, 5.0)
    await gate.enter()
    first, second = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    gate.leave()
    first.cancel()
    async with asyncio.timeout(1):
        await second
    assert first.cancelled()


async def test_a_dropped_connection_gives_its_turn_back(scratch_database: Database, disk: Disk) -> None:
    connection = await scratch_database.writer.connect()
    await connection.execute(insert(marks).values(id=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        del connection
        gc.collect()
    await _mark(scratch_database, 2)
    assert await _count(scratch_database) == 1


async def test_commits_that_wait_when_the_database_is_closed_are_not_left_hanging(
    scratch_database: Database, disk: Disk
) -> None:
    gate = WriteGate(str(scratch_database.writer.url.database), 1.0)
    disk.free.clear()
    first = asyncio.create_task(gate.durable())
    await asyncio.sleep(0.02)
    second = asyncio.create_task(gate.durable())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, disk.free.set)
    await asyncio.to_thread(gate.close)
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert isinstance(results[1], sqlite3.OperationalError)
