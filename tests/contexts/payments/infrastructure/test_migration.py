from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from caddy_shopping.contexts.payments.module import schema
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.migrate import downgrade, plan, upgrade


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"version_table": "payments_alembic_version"})
    return list(compare_metadata(context, schema.metadata))


async def test_the_migration_makes_what_the_tables_say_and_takes_it_back(scratch_database: Database) -> None:
    for _ in range(2):
        await upgrade(scratch_database, schema)
        async with scratch_database.writer.begin() as connection:
            assert await connection.run_sync(differences) == []
        await downgrade(scratch_database, schema)
        async with scratch_database.writer.begin() as connection:
            left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        assert left == ["payments_alembic_version"]


def test_it_can_be_planned_for_the_server_databases() -> None:
    for dialect in ("postgresql", "mysql", "mariadb"):
        sql = plan(dialect, schema, None)
        assert "uq_payment_webhooks_event" in sql
        assert ("utf8mb4_bin" in sql) == (dialect != "postgresql")
