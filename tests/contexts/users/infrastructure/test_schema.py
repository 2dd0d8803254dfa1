"""The migrations make the tables that the code expects."""

from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, inspect

from caddy_shopping.contexts.users.infrastructure.mapping import map_users
from caddy_shopping.contexts.users.infrastructure.tables import metadata
from caddy_shopping.contexts.users.module import schema
from caddy_shopping.platform.db import migrate
from caddy_shopping.platform.db.engine import Database


def shape(connection: Connection) -> dict[str, Any]:
    """Everything about the tables that a query could notice."""
    seen = inspect(connection)
    return {
        table: {
            "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(table)],
            "indexes": sorted((i["name"], tuple(i["column_names"]), i["unique"]) for i in seen.get_indexes(table)),
            "primary key": seen.get_pk_constraint(table)["constrained_columns"],
            "foreign keys": sorted(
                (tuple(k["constrained_columns"]), k["referred_table"], k["options"].get("ondelete"))
                for k in seen.get_foreign_keys(table)
            ),
        }
        for table in seen.get_table_names()
        if not table.endswith("alembic_version")
    }


async def shape_of(database: Database) -> dict[str, Any]:
    async with database.writer.connect() as connection:
        return await connection.run_sync(shape)


async def test_migrating_up_gives_what_the_metadata_says(scratch_database: Database) -> None:
    await migrate.upgrade(scratch_database, schema)
    assert await migrate.pending(scratch_database, [schema]) == []
    migrated = await shape_of(scratch_database)
    await migrate.downgrade(scratch_database, schema)
    async with scratch_database.writer.begin() as connection:
        await connection.run_sync(metadata.create_all)
    assert await shape_of(scratch_database) == migrated
    assert migrated.keys() == metadata.tables.keys()


async def test_migrating_down_leaves_nothing(scratch_database: Database) -> None:
    await migrate.upgrade(scratch_database, schema)
    await migrate.downgrade(scratch_database, schema)
    assert await shape_of(scratch_database) == {}


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql", "mariadb"])
def test_the_migration_can_be_said_in_every_dialect(dialect: str) -> None:
    script = migrate.plan(dialect, schema, None)
    for table in metadata.tables:
        assert f"CREATE TABLE {table}" in script
    assert ("utf8mb4_bin" in script) == (dialect in ("mysql", "mariadb"))


def test_mapping_twice_is_mapping_once() -> None:
    map_users()
    map_users()
    assert isinstance(metadata, MetaData)
