"""The migration makes what the tables say."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from caddy_shopping.contexts.orders.infrastructure import tables
from caddy_shopping.contexts.orders.module import schema
from caddy_shopping.platform.db import migrate
from caddy_shopping.platform.db.engine import Database


async def test_up_down_and_up_again(scratch_database: Database) -> None:
    await migrate.upgrade(scratch_database, schema)
    assert await names(scratch_database) >= set(tables.metadata.tables)
    await migrate.downgrade(scratch_database, schema)
    assert not await names(scratch_database) & set(tables.metadata.tables)
    await migrate.upgrade(scratch_database, schema)


def _of_a_year(change: Any) -> bool:
    return change[0] == "remove_index" and str(change[1].table.name).startswith("orders_p")


async def test_no_difference_to_the_tables(scratch_database: Database) -> None:
    await migrate.upgrade(scratch_database, schema)

    def differences(connection: Connection) -> list[Any]:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), tables.metadata)
        # Other contexts' tables; and on PostgreSQL each year is a table with indexes of its own.
        return [each for each in found if each[0] != "remove_table" and not _of_a_year(each)]

    async with scratch_database.writer.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_indexes_of_the_plan_are_there(scratch_database: Database) -> None:
    await migrate.upgrade(scratch_database, schema)

    def read(connection: Connection) -> dict[Any, Any]:
        found = [*inspect(connection).get_indexes("cart_items"), *inspect(connection).get_indexes("orders")]
        return {index["name"]: index["column_names"] for index in found}

    async with scratch_database.read() as connection:
        indexes = await connection.run_sync(read)
    assert indexes["idx_cart_items_user_status"] == ["customer_user_id", "select_flag", "del_flag"]
    assert indexes["idx_orders_user_status"] == ["user_id", "status"]


async def names(database: Database) -> set[str]:
    async with database.read() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
