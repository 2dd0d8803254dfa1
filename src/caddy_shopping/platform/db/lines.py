"""The two ways to talk to a database: a `Writing` is one transaction, a `Glance` reads a handful of rows by an index.

Both run prepared statements (`prepared.py`) as directly as the driver allows, and everything else through SQLAlchemy.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from caddy_shopping.platform.db.prepared import Parameters, Prepared, Rows

NONE: Parameters = {}


class Glance(ABC):
    """A connection for SELECTs outside any transaction; each sees what is committed. Use it as `async with`."""

    @abstractmethod
    async def run(self, statement: Prepared, parameters: Parameters = NONE) -> Rows:
        """Run a prepared SELECT."""

    @abstractmethod
    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run any SELECT; answers SQLAlchemy's result."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, fault: object, trace: object) -> None:
        return None


class Writing(ABC):
    """One transaction: as `async with` it commits on clean exit; or begin, commit and roll back step by step."""

    def __init__(self) -> None:
        self._session: AsyncSession | None = None

    @property
    def session(self) -> AsyncSession:
        """The mapper's session in this transaction, made at the first use: many transactions need none."""
        if self._session is None:
            self._session = AsyncSession(self._connection(), expire_on_commit=False, autoflush=False)
        return self._session

    @abstractmethod
    async def begin(self) -> None: ...

    @abstractmethod
    async def run(self, statement: Prepared, parameters: Parameters | Sequence[Parameters] = NONE) -> Rows:
        """Run a prepared statement: once, or for each parameter set of a sequence (then without rows and count)."""

    async def lock(self, statement: Prepared, parameters: Parameters = NONE) -> None:
        """Hold the rows that this SELECT … FOR UPDATE finds until the end. What follows sees what others left there."""
        await self.run(statement, parameters)

    @abstractmethod
    async def commit(self) -> None:
        """Return once what was written is safe."""

    @abstractmethod
    async def rollback(self) -> None:
        """Undo everything. Safe to call twice, and after a commit that failed."""

    @abstractmethod
    def _connection(self) -> AsyncConnection: ...

    async def flush(self) -> None:
        """Send what the session's objects changed."""
        if self._session is not None:
            await self._session.flush()

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run any statement; answers SQLAlchemy's result."""
        return await self._connection().execute(statement, parameters)

    async def __aenter__(self) -> Self:
        await self.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if fault is None:
            await self.commit()
        else:
            await self.rollback()


class PooledGlance(Glance):
    """On a connection of an engine's pool, for as long as the `async with` lasts."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._connecting = engine.connect()
        self._open: AsyncConnection | None = None

    async def __aenter__(self) -> Self:
        self._open = await self._connecting
        return self

    async def __aexit__(self, kind: object, fault: object, trace: object) -> None:
        if self._open is not None:
            await self._open.close()

    async def run(self, statement: Prepared, parameters: Parameters = NONE) -> Rows:
        return await _run(self._open, statement, parameters)

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return await _opened(self._open).execute(statement, parameters)


class PooledWriting(Writing):
    """On a connection of an engine's pool, until it is committed or rolled back."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__()
        self._engine = engine
        self._open: AsyncConnection | None = None

    async def begin(self) -> None:
        connection = await self._engine.connect()
        try:
            await connection.begin()
        except BaseException:
            await connection.close()
            raise
        self._open = connection

    async def run(self, statement: Prepared, parameters: Parameters | Sequence[Parameters] = NONE) -> Rows:
        return await _run(self._open, statement, parameters)

    async def commit(self) -> None:
        try:
            await self.flush()
            await self._connection().commit()
        finally:
            await self._close()

    async def rollback(self) -> None:
        # Closing rolls back, also where the connection was lost.
        await self._close()

    async def _close(self) -> None:
        connection, self._open = self._open, None
        if self._session is not None:
            self._session.expunge_all()
        if connection is not None:
            # Whoever is cancelled meanwhile must not leave a connection to the garbage collector.
            await asyncio.shield(asyncio.ensure_future(connection.close()))

    def _connection(self) -> AsyncConnection:
        return _opened(self._open)


def _opened(connection: AsyncConnection | None) -> AsyncConnection:
    if connection is None:
        raise RuntimeError("this connection was not opened, or is over")
    return connection


async def _run(
    connection: AsyncConnection | None, statement: Prepared, parameters: Parameters | Sequence[Parameters]
) -> Rows:
    return await _opened(connection).run_sync(_say, statement, parameters)


def _say(connection: Connection, statement: Prepared, parameters: Parameters | Sequence[Parameters]) -> Rows:
    """In SQLAlchemy's greenlet, straight to its adapter of the driver."""
    recipe, values, many = statement.bound(connection.dialect, parameters)
    driver: Any = connection.connection.dbapi_connection
    cursor = driver.cursor()
    try:
        if many:
            cursor.executemany(recipe.sql, values)
            return Rows()
        cursor.execute(recipe.sql, values)
        return recipe.rows(cursor.fetchall() if cursor.description else (), cursor.rowcount)
    except connection.dialect.loaded_dbapi.Error as fault:
        raise _named(connection, driver, cursor, recipe.sql, fault) from fault
    except asyncio.CancelledError as fault:
        # How far did it come? A transaction may have begun that the driver knows nothing of. To no pool either.
        connection.invalidate(fault)
        raise
    finally:
        cursor.close()


def _named(connection: Connection, driver: Any, cursor: Any, sql: str, fault: Any) -> BaseException:
    """The fault under SQLAlchemy's name, as on any other way; a connection that was lost goes back to no pool."""
    dialect: Any = connection.dialect
    lost = dialect.is_disconnect(fault, driver, cursor)
    if lost:
        connection.invalidate(fault)
    base = dialect.loaded_dbapi.Error
    named: BaseException = DBAPIError.instance(
        sql, None, fault, base, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
    return named
