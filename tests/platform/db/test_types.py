"""Values come back from the database as they went in."""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select
from sqlalchemy.exc import StatementError

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.types import Enumeration, Id, Json, UtcDateTime


class Colour(StrEnum):
    RED = "red"


metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime),
    Column("colour", Enumeration(Colour)),
    Column("data", Json(dict[str, list[int]])),
)


async def _store(database: Database, **values: object) -> tuple[object, ...]:
    async with database.writer.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(insert(things).values(**values))
    async with database.read() as connection:
        return tuple((await connection.execute(select(things))).one())


async def test_a_round_trip(scratch_database: Database) -> None:
    item, at = new_id(), datetime(2026, 3, 1, 8, 0, 0, 123456, timezone(timedelta(hours=8)))
    row = await _store(scratch_database, id=item, at=at, colour=Colour.RED, data={"a": [1, 2]})
    assert row == (item, at, Colour.RED, {"a": [1, 2]})
    assert isinstance(row[1], datetime)
    assert row[1].tzinfo is UTC


async def test_nothing_stays_nothing(scratch_database: Database) -> None:
    item = new_id()
    assert await _store(scratch_database, id=item) == (item, None, None, None)


async def test_a_moment_before_1970_keeps_its_microseconds(scratch_database: Database) -> None:
    at = datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)
    assert (await _store(scratch_database, id=new_id(), at=at))[1] == at


async def test_a_moment_without_a_zone_is_refused(scratch_database: Database) -> None:
    with pytest.raises(StatementError, match="time zone"):
        await _store(scratch_database, id=new_id(), at=datetime(2026, 1, 1))  # noqa: DTZ001
