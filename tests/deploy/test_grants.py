"""Five services on one PostgreSQL: each one's database user can touch its own tables, and nobody else's."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from asyncpg import Connection, InsufficientPrivilegeError, connect

from caddy_shopping.main.build import CONTEXTS, SCHEMAS, build
from caddy_shopping.platform.settings import Settings
from tests.support.engine import only_sqlite
from tests.support.servers import PostgreSQL, available

pytestmark = only_sqlite("it brings its own server")
SCRIPT = Path(__file__).parents[2] / "deploy" / "postgres" / "create-databases.sh"
TABLES = {schema.context: sorted(schema.metadata.tables) for schema in SCHEMAS}


class Server(PostgreSQL):
    """With a database and a user for each context, as an operator makes them."""

    def create_databases(self) -> str:
        """Run the script; what it said."""
        passwords = {f"SHOP_{context.upper()}_DATABASE_PASSWORD": 'it\'s "secret"' for context in CONTEXTS}
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "shop"}
        done = subprocess.run([SCRIPT], env=os.environ | where | passwords, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @asynccontextmanager
    async def as_user(self, user: str, database: str) -> AsyncIterator[Connection]:
        connection = await connect(host="127.0.0.1", port=self.port, user=user, database=database)
        try:
            yield connection
        finally:
            await connection.close()

    async def administer(self, database: str, statement: str) -> None:
        async with self.as_user("shop", database) as administrator:
            await administrator.execute(statement)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Every context's tables were made by its own user."""
    if reason := available()["PostgreSQL"]:
        pytest.skip(reason)
    with Server() as running:
        running.create_databases()
        asyncio.run(migrate(running))
        yield running


async def migrate(server: Server) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for context in CONTEXTS:
            url = f"postgresql+asyncpg://shop_{context}@127.0.0.1:{server.port}/shop_{context}"
            patch.setenv(f"SHOP_{context.upper()}_DATABASE_URL", url)
        process = build(Settings(data_dir=server.folder / "shop"))
    try:
        assert await process.migrate() == list(CONTEXTS)
        assert await process.pending() == []
    finally:
        await process.stop()


def touching(table: str) -> list[str]:
    """A read and writes that find nothing to change: all that can refuse them is a right that is not there."""
    return [
        f"SELECT 1 FROM public.{table} LIMIT 1",
        f"DELETE FROM public.{table} WHERE false",
        f"INSERT INTO public.{table} SELECT * FROM public.{table} WHERE false",
        f"TRUNCATE public.{table} CASCADE",
    ]


@pytest.mark.parametrize("context", CONTEXTS)
async def test_own_tables_can_be_touched(server: Server, context: str) -> None:
    async with server.as_user(f"shop_{context}", f"shop_{context}") as user:
        for table in TABLES[context]:
            for statement in touching(table):
                await user.execute(statement)


@pytest.mark.parametrize("context", CONTEXTS)
async def test_nobody_else_is_let_in(server: Server, context: str) -> None:
    for stranger in set(CONTEXTS) - {context}:
        with pytest.raises(InsufficientPrivilegeError, match="permission denied for database"):
            async with server.as_user(f"shop_{stranger}", f"shop_{context}"):
                pass


@pytest.mark.parametrize("context", CONTEXTS)
async def test_a_stranger_who_got_in_finds_every_table_shut(server: Server, context: str) -> None:
    """The second lock, for when the first is left open by mistake; each granted table is the control of the others."""
    stranger, database, (open_table, *shut) = "shop_thief", f"shop_{context}", TABLES[context]
    await server.administer("postgres", f"CREATE ROLE {stranger} LOGIN")
    await server.administer(database, f"GRANT CONNECT ON DATABASE {database} TO {stranger}")
    await server.administer(database, f"GRANT USAGE ON SCHEMA public TO {stranger}")
    await server.administer(database, f"GRANT ALL ON {open_table} TO {stranger}")
    try:
        async with server.as_user(stranger, database) as user:
            await user.execute(touching(open_table)[0])
            for table in shut:
                for statement in touching(table):
                    with pytest.raises(InsufficientPrivilegeError, match="permission denied for table"):
                        await user.execute(statement)
    finally:
        await server.administer(database, f"DROP OWNED BY {stranger}")
        await server.administer("postgres", f"DROP ROLE {stranger}")


@pytest.mark.parametrize(
    "statement",
    [
        "DROP DATABASE shop_products",
        "DROP DATABASE shop_orders",
        "CREATE DATABASE loot",
        "CREATE ROLE thief LOGIN",
        "ALTER ROLE shop_products SUPERUSER",
        "SET ROLE shop_orders",
        "SELECT rolpassword FROM pg_authid",
        "COPY products TO PROGRAM 'cat'",
    ],
)
async def test_it_administers_nothing(server: Server, statement: str) -> None:
    async with server.as_user("shop_products", "shop_products") as user:
        with pytest.raises(InsufficientPrivilegeError):
            await user.execute(statement)


async def test_search_has_its_extension(server: Server) -> None:
    """Made by the user itself, which takes a right that is easily forgotten."""
    async with server.as_user("shop_products", "shop_products") as user:
        assert await user.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'") == 1


def test_the_script_may_run_again(server: Server) -> None:
    assert server.create_databases().splitlines() == [f"shop_{context} is ready." for context in CONTEXTS]


def test_a_password_that_is_missing_is_named() -> None:
    done = subprocess.run([SCRIPT, "orders"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "SHOP_ORDERS_DATABASE_PASSWORD" in done.stderr
