"""Makes a year's partitions ahead of time, and takes an old year's out of the way.

Each step first looks at what is there and can be taken again, by another process at the same moment too. No step waits
long for its lock: whatever it waits for, everybody would have to wait behind it.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.partitions import FIRST_YEAR, FUTURE, bound, start_of, years_in

_POSTGRES_PARTITIONS = text(
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid"
    " WHERE inhparent = CAST(:of AS regclass)"
)
_MYSQL_PARTITIONS = text(
    "SELECT partition_name FROM information_schema.partitions WHERE table_schema = DATABASE() AND table_name = :of"
)
PATIENCE = 5
"""Seconds to wait for a table's lock."""


class Years(ABC):
    """Tables that are partitioned alike; `columns` says by which column each is."""

    def __init__(self, database: Database, columns: Mapping[str, str]) -> None:
        self._database = database
        self._columns = columns

    async def make(self, until: int) -> list[str]:
        """See that each year up to `until` has its partitions; the names of those made now."""
        made = []
        for table in self._columns:
            for year in range(FIRST_YEAR, until + 1):
                if year > max(await self.of(table), default=year) and await self._make(table, year):
                    made.append(f"{table}_p{year}")
        return made

    async def detach(self, year: int) -> list[str]:
        """Make tables of their own (`orders_p2025`) of a year's partitions; their names. The data stays."""
        detached = []
        for table in self._columns:
            if year in await self.of(table):
                await self._detach(table, year)
                detached.append(f"{table}_p{year}")
        return detached

    async def of(self, table: str) -> list[int]:
        """The years that a table has a partition for."""
        async with self._database.read() as connection:
            return await self._years(connection, table)

    @abstractmethod
    async def _years(self, connection: AsyncConnection, table: str) -> list[int]: ...

    @abstractmethod
    async def _make(self, table: str, year: int) -> bool:
        """Split the year off the future. False where another process did."""

    @abstractmethod
    async def _detach(self, table: str, year: int) -> None: ...


class PostgresYears(Years):
    """A partition is a table, so it is made and detached in a transaction under the table's lock."""

    async def _years(self, connection: AsyncConnection, table: str) -> list[int]:
        found = await connection.execute(_POSTGRES_PARTITIONS, {"of": table})
        return years_in(list(found.scalars()))

    async def _make(self, table: str, year: int) -> bool:
        future, fresh, column = f"{table}_{FUTURE}", f"{table}_p{year}", self._columns[table]
        begin, end = start_of(year), start_of(year + 1)
        async with self._locked(table) as connection:
            if year in await self._years(connection, table):
                return False
            for statement in (
                f"ALTER TABLE {table} DETACH PARTITION {future}",
                f"CREATE TABLE {fresh} PARTITION OF {table} FOR VALUES FROM ('{begin}') TO ('{end}')",
                # Nothing, where this was done ahead of time.
                f"WITH early AS (DELETE FROM {future} WHERE {column} < '{end}' RETURNING *)"  # noqa: S608
                f" INSERT INTO {fresh} SELECT * FROM early",
                f"ALTER TABLE {table} ATTACH PARTITION {future} FOR VALUES FROM ('{end}') TO (MAXVALUE)",
            ):
                await connection.exec_driver_sql(statement)
        return True

    async def _detach(self, table: str, year: int) -> None:
        async with self._locked(table) as connection:
            if year in await self._years(connection, table):
                await connection.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {table}_p{year}")

    @asynccontextmanager
    async def _locked(self, table: str) -> AsyncIterator[AsyncConnection]:
        async with self._database.writer.begin() as connection:
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
            await connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield connection


class MySqlYears(Years):
    """Statements that change a table commit by themselves here: each is one that can be left half way."""

    async def _years(self, connection: AsyncConnection, table: str) -> list[int]:
        found = await connection.execute(_MYSQL_PARTITIONS, {"of": table})
        return years_in([name or "" for name in found.scalars()])

    async def _make(self, table: str, year: int) -> bool:
        fresh = f"PARTITION p{year} VALUES LESS THAN ({bound(year + 1)})"
        into = f"{fresh}, PARTITION {FUTURE} VALUES LESS THAN (MAXVALUE)"
        async with self._patient() as connection:
            try:
                await connection.exec_driver_sql(f"ALTER TABLE {table} REORGANIZE PARTITION {FUTURE} INTO ({into})")
            except DBAPIError:
                if year in await self._years(connection, table):
                    return False  # another process was first
                raise
        return True

    async def _detach(self, table: str, year: int) -> None:
        # The partition changes places with an empty table of the same shape, and is then dropped, empty.
        apart = f"{table}_p{year}"
        async with self._patient() as connection:
            await connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {apart} LIKE {table}")
            if await self._years(connection, apart):
                await connection.exec_driver_sql(f"ALTER TABLE {apart} REMOVE PARTITIONING")
            if await _is_empty(connection, apart):
                await connection.exec_driver_sql(f"ALTER TABLE {table} EXCHANGE PARTITION p{year} WITH TABLE {apart}")
            if not await _is_empty(connection, f"{table} PARTITION (p{year})"):
                raise RuntimeError(f"both {apart} and the partition of {table} have rows: nothing was dropped")
            await connection.exec_driver_sql(f"ALTER TABLE {table} DROP PARTITION p{year}")

    @asynccontextmanager
    async def _patient(self) -> AsyncIterator[AsyncConnection]:
        # What was looked at must not stay locked by this session's own transaction.
        async with self._database.writer.connect() as plain:
            connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
            await connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {PATIENCE}")
            try:
                yield connection
            finally:
                await connection.exec_driver_sql("SET SESSION lock_wait_timeout = DEFAULT")


class OneTable(Years):
    """A database without partitions has nothing to make or to detach."""

    async def _years(self, connection: AsyncConnection, table: str) -> list[int]:
        return []

    async def _make(self, table: str, year: int) -> bool:
        return False

    async def _detach(self, table: str, year: int) -> None:
        return None


def years_of(database: Database, columns: Mapping[str, str]) -> Years:
    """How this database keeps years apart."""
    ways: dict[str, type[Years]] = {"sqlite": OneTable, "postgresql": PostgresYears}
    return ways.get(database.dialect, MySqlYears)(database, columns)


async def _is_empty(connection: AsyncConnection, table: str) -> bool:
    found = await connection.exec_driver_sql(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 - a name of ours
    return found.first() is None
