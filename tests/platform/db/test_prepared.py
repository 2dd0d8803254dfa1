"""Prepared statements say and answer what SQLAlchemy itself would."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    BindParameter,
    Column,
    Integer,
    MetaData,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.prepared import Prepared, Rows
from caddy_shopping.platform.db.types import Enumeration, Id, Json, UtcDateTime


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Id, primary_key=True),
    Column("n", Integer),
    Column("at", UtcDateTime),
    Column("colour", Enumeration(Colour)),
    Column("facts", Json(dict[str, int])),
)
filled = Table("filled", metadata, Column("id", Id, primary_key=True), Column("n", Integer, default=7))
A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2026, 3, 14, 9, 56, 1, 234567, UTC)
ROWS: list[dict[str, Any]] = [
    {"id": A, "n": 1, "at": AT, "colour": Colour.RED, "facts": {"a": 1}},
    {"id": B, "n": 2, "at": AT, "colour": Colour.BLUE, "facts": {}},
    {"id": C, "n": 3, "at": None, "colour": None, "facts": None},
]
_ids: BindParameter[Any] = bindparam("ids", expanding=True)


@pytest.fixture
async def database(scratch_database: Database) -> Database:
    async with scratch_database.writer.begin() as connection:
        await connection.run_sync(metadata.create_all)
    async with scratch_database.writing() as writing:
        await writing.run(Prepared(insert(things)), ROWS)
    return scratch_database


SELECTS: dict[str, tuple[Any, Mapping[str, Any]]] = {
    "everything": (select(things), {}),
    "by parameter and by what the statement says": (
        select(things).where(things.c.id == bindparam("x"), things.c.n < 9),
        {"x": A},
    ),
    "by a moment and an enum": (
        select(things.c.id).where(things.c.at == bindparam("at"), things.c.colour == Colour.RED),
        {"at": AT},
    ),
    "a list": (select(things.c.id).where(things.c.id.in_(_ids), things.c.n > 0), {"ids": [A, C]}),
    "another length of the list": (select(things.c.id).where(things.c.id.in_(_ids)), {"ids": [A, B, C]}),
    "an empty list": (select(things.c.id).where(things.c.id.in_(_ids)), {"ids": []}),
    "a list of pairs": (
        select(things.c.id).where(tuple_(things.c.id, things.c.n).in_(bindparam("pairs", expanding=True))),
        {"pairs": [(A, 1), (B, 9), (C, 3)]},
    ),
    "labels and functions": (select(func.sum(things.c.n).label("total"), func.max(things.c.colour)), {}),
    "one value twice": (select(things.c.n + bindparam("k"), things.c.n - bindparam("k")), {"k": 5}),
    "whether there is one": (select(exists().where(things.c.n == bindparam("n"))), {"n": 2}),
    "a limit": (select(things.c.n).order_by(things.c.n.desc()).limit(bindparam("most")), {"most": 2}),
}


@pytest.mark.parametrize("name", SELECTS)
async def test_a_select_answers_the_same_rows(database: Database, name: str) -> None:
    statement, parameters = SELECTS[name]
    prepared = Prepared(statement)
    async with database.read() as connection:
        expected = [tuple(row) for row in await connection.execute(statement, dict(parameters))]
    async with database.glance() as glance:
        for _ in range(3):
            assert [tuple(row) for row in await glance.run(prepared, parameters)] == expected


async def test_rows_have_the_columns_names(database: Database) -> None:
    async with database.glance() as glance:
        rows = await glance.run(Prepared(select(things).where(things.c.id == bindparam("x"))), {"x": B})
    row = rows.first()
    assert (row.n, row.at, row.colour, row.facts) == (2, AT, Colour.BLUE, {})
    assert row._asdict()["id"] == B
    assert (Rows().first(), Rows().scalar(), rows.scalar()) == (None, None, B)


async def test_one_statement_takes_lists_of_every_length(database: Database) -> None:
    prepared = Prepared(select(things.c.n).where(things.c.id.in_(_ids)).order_by(things.c.n))
    async with database.glance() as glance:
        for ids in ([A], [A, B], [], [C], [A, B, C], [B]):
            assert [row.n for row in await glance.run(prepared, {"ids": ids})] == [each.int for each in ids]


async def test_changes_say_how_many_rows_they_touched(database: Database) -> None:
    raised = Prepared(update(things).where(things.c.n < bindparam("below")).values(n=things.c.n + bindparam("by")))
    async with database.writing() as writing:
        assert (await writing.run(raised, {"below": 3, "by": 10})).rowcount == 2
        assert (await writing.run(Prepared(delete(things).where(things.c.n == 3)))).rowcount == 1
        assert (await writing.run(raised, [{"below": 12, "by": 1}, {"below": 13, "by": 1}])).rowcount == -1
    async with database.glance() as glance:
        assert sorted(row.n for row in await glance.run(Prepared(select(things.c.n)))) == [13, 13]


async def test_an_insert_takes_the_columns_it_is_given(database: Database) -> None:
    prepared = Prepared(insert(things))
    async with database.writing() as writing:
        await writing.run(prepared, {"id": UUID(int=4), "n": 4})
        await writing.run(prepared, {"id": UUID(int=5), "colour": Colour.RED})
    async with database.glance() as glance:
        rows = await glance.run(Prepared(select(things).where(things.c.id > C).order_by(things.c.id)))
    assert [(row.n, row.colour) for row in rows] == [(4, None), (None, Colour.RED)]


async def test_faults_have_sqlalchemys_names(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.writing() as writing:
            await writing.run(Prepared(insert(things)), {"id": A})
    with pytest.raises(IntegrityError):
        async with database.writing() as writing:
            await writing.run(Prepared(insert(things)), [{"id": UUID(int=9)}, {"id": A}])
    async with database.glance() as glance:
        assert len(await glance.run(Prepared(select(things)))) == 3


async def test_a_value_that_would_be_filled_in_is_asked_for(database: Database) -> None:
    with pytest.raises(TypeError, match="say each value"):
        async with database.writing() as writing:
            await writing.run(Prepared(insert(filled)), {"id": A})


async def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="time zone"):
        async with database.writing() as writing:
            await writing.run(Prepared(insert(things)), {"id": UUID(int=9), "at": datetime(2026, 1, 1)})  # noqa: DTZ001
