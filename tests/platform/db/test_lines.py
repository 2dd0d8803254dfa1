"""A writing is one transaction, whichever way its statements are said: prepared, plain, or by the mapper's session."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.db.prepared import Prepared
from tests.support.engine import only_sqlite

metadata = MetaData()
numbers = Table("numbers", metadata, Column("id", Integer, primary_key=True), Column("value", Integer))
_ADD, _ALL = Prepared(insert(numbers)), Prepared(select(numbers.c.value).order_by(numbers.c.id))
_SEEN, _RAISE = Prepared(select(numbers.c.value)), Prepared(update(numbers).values(value=numbers.c.value + 1))


@pytest.fixture
async def database(scratch_database: Database) -> Database:
    async with scratch_database.writer.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return scratch_database


async def values(database: Database) -> list[int]:
    async with database.glance() as glance:
        return [row.value for row in await glance.run(_ALL)]


async def test_all_ways_share_one_transaction(database: Database) -> None:
    async with database.writing() as writing:
        await writing.run(_ADD, {"id": 1, "value": 1})
        await writing.execute(insert(numbers).values(id=2, value=2))
        await writing.session.execute(insert(numbers).values(id=3, value=3))
        assert [row.value for row in await writing.run(_ALL)] == [1, 2, 3]
        assert await values(database) == []
    assert await values(database) == [1, 2, 3]


async def test_a_session_that_says_nothing_holds_up_no_commit(database: Database) -> None:
    async with database.writing() as writing:
        assert not writing.session.new
        await writing.run(_ADD, {"id": 1, "value": 1})
    assert await values(database) == [1]


@pytest.mark.parametrize("way", ["run", "execute", "session"])
async def test_whichever_way_was_used_a_fault_undoes_it_all(database: Database, way: str) -> None:
    async def broken() -> None:
        async with database.writing() as writing:
            await writing.run(_ADD, {"id": 1, "value": 1})
            if way == "execute":
                await writing.execute(insert(numbers).values(id=2, value=2))
            if way == "session":
                await writing.session.execute(insert(numbers).values(id=2, value=2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broken()
    assert await values(database) == []
    async with database.writing() as writing:
        await writing.run(_ADD, {"id": 1, "value": 7})
    assert await values(database) == [7]


async def test_a_refused_statement_leaves_the_database_usable(database: Database) -> None:
    async def refused() -> None:
        async with database.writing() as writing:
            await writing.session.execute(insert(numbers).values(id=1, value=1))
            await writing.run(_ADD, {"id": 1, "value": 2})

    for _ in range(3):
        with pytest.raises(IntegrityError):
            await refused()
    assert await values(database) == []


@only_sqlite("writers take turns")
async def test_a_hundred_writings_at_once_lose_no_update(database: Database) -> None:
    async with database.writing() as writing:
        await writing.run(_ADD, {"id": 1, "value": 0})

    async def add() -> None:
        async with database.writing() as writing:
            seen = (await writing.run(_SEEN)).scalar()
            await asyncio.sleep(0)
            await writing.execute(update(numbers).values(value=seen + 1))

    await asyncio.gather(*(add() for _ in range(100)))
    assert await values(database) == [100]


async def test_a_cancelled_writing_leaves_nothing_and_gives_its_turn_back(database: Database) -> None:
    inside = asyncio.Event()

    async def never_ends() -> None:
        async with database.writing() as writing:
            await writing.run(_ADD, {"id": 1, "value": 1})
            inside.set()
            await asyncio.sleep(60)

    stuck = asyncio.create_task(never_ends())
    await inside.wait()
    waiting = [asyncio.create_task(add_one(database, number)) for number in range(2, 5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    stuck.cancel()
    await asyncio.gather(stuck, *waiting, return_exceptions=True)
    assert await values(database) == [3, 4]


async def add_one(database: Database, number: int) -> None:
    async with database.writing() as writing:
        await writing.run(_ADD, {"id": number, "value": number})


async def test_what_is_over_is_over(database: Database) -> None:
    async with database.writing() as writing:
        await writing.run(_ADD, {"id": 1, "value": 1})
    with pytest.raises(RuntimeError, match="over"):
        await writing.run(_ADD, {"id": 2, "value": 2})
    with pytest.raises(RuntimeError, match="over"):
        await writing.execute(insert(numbers).values(id=2, value=2))
    await writing.rollback()
    assert await values(database) == [1]


@only_sqlite("readers are opened for reading")
async def test_a_glance_cannot_write(database: Database) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        async with database.glance() as glance:
            await glance.run(_ADD, {"id": 1, "value": 1})
    assert await values(database) == []


async def test_waiting_for_a_turn_is_bounded(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/shop.db", pool_timeout=0.05)
    async with database.writing() as first:
        await first.execute(select(1))
        with pytest.raises(OperationalError, match="too many writers"):
            await database.writing().begin()
    await database.close()
