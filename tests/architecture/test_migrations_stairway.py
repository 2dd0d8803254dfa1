"""Every migration can be gone up, down and up again, and the last step ends where `tables.py` says.

On SQLite, which is always at hand; the server databases run the same migrations in the scenarios.
"""

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import Inspector

from caddy_shopping.platform.db import migrate
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.module import Schema

CONTEXTS = ("users", "products", "orders", "payments", "notifications")
Shape = dict[str, dict[str, Any]]


@pytest.fixture
async def migrated(tmp_path: Path) -> AsyncIterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/migrated.db")
    yield database
    await database.close()


@pytest.fixture
async def declared(tmp_path: Path) -> AsyncIterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/declared.db")
    yield database
    await database.close()


@pytest.fixture(params=CONTEXTS)
def schema(request: pytest.FixtureRequest) -> Schema:
    found: Schema = importlib.import_module(f"caddy_shopping.contexts.{request.param}.module").schema
    return found


def revisions(schema: Schema) -> list[str]:
    return [f"{schema.context}_{path.name[:4]}" for path in sorted(schema.migrations.glob("[0-9]*.py"))]


def table_shape(inspector: Inspector, table: str) -> dict[str, Any]:
    """Everything about a table that a query or a constraint could tell."""
    return {
        "columns": {
            column["name"]: (str(column["type"]), column["nullable"], str(column["default"]))
            for column in inspector.get_columns(table)
        },
        "key": inspector.get_pk_constraint(table)["constrained_columns"],
        "indexes": {
            index["name"]: (index["column_names"], bool(index["unique"])) for index in inspector.get_indexes(table)
        },
        "unique": sorted(each["column_names"] for each in inspector.get_unique_constraints(table)),
        "checks": sorted((str(each["name"]), each["sqltext"]) for each in inspector.get_check_constraints(table)),
        "foreign": sorted(
            (each["constrained_columns"], each["referred_table"], each["referred_columns"], str(each["options"]))
            for each in inspector.get_foreign_keys(table)
        ),
    }


async def shape(database: Database, *, but: str = "") -> Shape:
    """All tables; without Alembic's own and the shadow tables of full-text indexes."""

    def read(connection: Connection) -> Shape:
        inspector = inspect(connection)
        names = [name for name in inspector.get_table_names() if "_fts" not in name and name != but]
        return {name: table_shape(inspector, name) for name in names}

    async with database.read() as connection:
        return await connection.run_sync(read)


async def test_up_down_up(schema: Schema, migrated: Database) -> None:
    before: list[Shape] = [{}]
    for revision in revisions(schema):
        await migrate.upgrade(migrated, schema, revision)
        up = await shape(migrated, but=f"{schema.context}_alembic_version")
        assert up != before[-1]
        await migrate.downgrade(migrated, schema, "-1")
        assert await shape(migrated, but=f"{schema.context}_alembic_version") == before[-1]
        await migrate.upgrade(migrated, schema, revision)
        assert await shape(migrated, but=f"{schema.context}_alembic_version") == up
        before.append(up)
    assert await migrate.current(migrated, schema) == migrate.head(schema) == revisions(schema)[-1]
    await migrate.downgrade(migrated, schema)
    assert await shape(migrated, but=f"{schema.context}_alembic_version") == {}
    assert await leftovers(migrated, f"{schema.context}_alembic_version") == []


async def leftovers(database: Database, version_table: str) -> list[str]:
    """Names of whatever is still there: tables, indexes, triggers, full-text tables."""
    async with database.read() as connection:
        rows = await connection.execute(text("SELECT name, tbl_name FROM sqlite_master"))
        return [row.name for row in rows if row.tbl_name not in (version_table, "sqlite_sequence")]


async def test_the_top_is_what_tables_py_says(schema: Schema, migrated: Database, declared: Database) -> None:
    await migrate.upgrade(migrated, schema)
    async with declared.writer.begin() as connection:
        await connection.run_sync(schema.metadata.create_all)
    there, said = await shape(migrated, but=f"{schema.context}_alembic_version"), await shape(declared)
    assert there.keys() == said.keys()
    for table, expected in said.items():
        for aspect, value in expected.items():
            assert there[table][aspect] == value, f"{table}: {aspect}"


@pytest.mark.parametrize(
    ("aspect", "change"),
    [
        ("columns", "CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(11) NOT NULL, c INTEGER)"),
        ("columns", "CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(10), c INTEGER)"),
        ("key", "CREATE TABLE t (a INTEGER, b VARCHAR(10) NOT NULL, c INTEGER, PRIMARY KEY (a, c))"),
        ("unique", "CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(10) NOT NULL, c INTEGER, UNIQUE (b))"),
        ("checks", "CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(10) NOT NULL, c INTEGER CHECK (c >= 0))"),
        ("foreign", "CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(10) NOT NULL, c INTEGER REFERENCES t (a))"),
    ],
)
async def test_a_difference_is_seen(migrated: Database, declared: Database, aspect: str, change: str) -> None:
    plain = "CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(10) NOT NULL, c INTEGER)"
    for database, statement in ((declared, plain), (migrated, change)):
        async with database.writer.begin() as connection:
            await connection.execute(text(statement))
    assert (await shape(migrated))["t"][aspect] != (await shape(declared))["t"][aspect]
