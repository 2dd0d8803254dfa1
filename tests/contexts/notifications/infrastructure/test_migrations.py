from sqlalchemy import Connection, inspect

from caddy_shopping.contexts.notifications.module import schema
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.migrate import downgrade, upgrade


def described(connection: Connection) -> dict[str, object]:
    """Names, columns, keys and indexes of every table but Alembic's own."""
    look = inspect(connection)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in look.get_columns(table)],
            look.get_pk_constraint(table)["constrained_columns"],
            sorted((str(index["name"]), tuple(index["column_names"])) for index in look.get_indexes(table)),
        )
        for table in look.get_table_names()
        if "alembic" not in table
    }


async def test_the_migration_makes_the_tables_that_the_code_knows_and_takes_them_away(
    scratch_database: Database,
) -> None:
    await upgrade(scratch_database, schema)
    async with scratch_database.writer.begin() as connection:
        migrated = await connection.run_sync(described)
    await downgrade(scratch_database, schema)
    async with scratch_database.writer.begin() as connection:
        assert await connection.run_sync(described) == {}
        await connection.run_sync(schema.metadata.create_all)
        assert await connection.run_sync(described) == migrated
