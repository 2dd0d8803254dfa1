"""SQLite without a pool: one connection that writes, in turns, and one that glances.

The gate lets one transaction write at a time, and each leaves it before it waits for the disk, so one connection is
enough. Prepared statements go straight to `sqlite3`; the session and other statements use the same connection through
SQLAlchemy, which takes BEGIN and COMMIT for said.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from caddy_shopping.platform.db.dialects.sqlite import Connection
from caddy_shopping.platform.db.dialects.sqlite_gate import WriteGate
from caddy_shopping.platform.db.lines import NONE, Glance, Writing
from caddy_shopping.platform.db.prepared import Parameters, Prepared, Rows


class Wire:
    """One connection of `engine`, kept for good, below and through SQLAlchemy."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._dialect = engine.dialect
        self._open: AsyncConnection | None = None
        self._driver: Connection | None = None

    async def driver(self) -> Connection:
        """The driver's connection; connects at the first call."""
        if self._driver is None:
            self._open = connection = await self._engine.connect()
            self._driver = cast("Connection", (await connection.get_raw_connection()).dbapi_connection)
        return self._driver

    @property
    def connection(self) -> AsyncConnection:
        """The same connection as SQLAlchemy's. Raises where it was never opened."""
        if self._open is None:
            raise RuntimeError("this connection is not open")
        return self._open

    def run(self, driver: Connection, statement: Prepared, parameters: Parameters | Sequence[Parameters]) -> Rows:
        recipe, values, many = statement.bound(self._dialect, parameters)
        try:
            cursor = driver.send(recipe.sql, values, many=many)
            return Rows() if many else recipe.rows(cursor.fetchall(), cursor.rowcount)
        except sqlite3.Error as fault:
            raise self.named(fault, recipe.sql) from fault

    def named(self, fault: sqlite3.Error, sql: str) -> BaseException:
        """The fault under SQLAlchemy's name, as on any other way."""
        return DBAPIError.instance(sql, None, fault, sqlite3.Error, hide_parameters=True, dialect=self._dialect)

    async def close(self) -> None:
        if self._open is not None:
            await self._open.close()
            self._open = self._driver = None


class EmbeddedGlance(Glance):
    """In place, on the glancing connection: nobody waits, so everybody may use the one."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def run(self, statement: Prepared, parameters: Parameters = NONE) -> Rows:
        return self._wire.run(await self._wire.driver(), statement, parameters)

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        await self._wire.driver()
        return await self._wire.connection.execute(statement, parameters)

    async def close(self) -> None:
        await self._wire.close()


class EmbeddedWriting(Writing):
    """A turn at the gate with the writing connection. The gate is left before the disk is waited for."""

    def __init__(self, wire: Wire, gate: WriteGate) -> None:
        super().__init__()
        self._wire = wire
        self._gate = gate
        self._driver: Connection | None = None
        self._through_alchemy = False
        """Whether SQLAlchemy was given the connection: it may have begun a transaction of its own."""

    async def begin(self) -> None:
        try:
            await self._gate.enter()
            try:
                driver = await self._wire.driver()
                await driver.start()
            except BaseException:
                self._gate.leave()
                raise
        except sqlite3.Error as fault:
            raise self._wire.named(fault, "BEGIN") from fault
        self._driver = driver

    async def run(self, statement: Prepared, parameters: Parameters | Sequence[Parameters] = NONE) -> Rows:
        return self._wire.run(self._begun(), statement, parameters)

    async def lock(self, statement: Prepared, parameters: Parameters = NONE) -> None:
        """Nothing: nobody else writes in this turn."""

    async def commit(self) -> None:
        driver = self._begun()
        try:
            await self.flush()
            if self._in_alchemy():
                await self._wire.connection.commit()
            else:
                driver.commit()
            self._leave()
            await self._gate.durable()
        except sqlite3.Error as fault:
            await self.rollback()
            raise self._wire.named(fault, "COMMIT") from fault
        except BaseException:
            await self.rollback()
            raise

    async def rollback(self) -> None:
        """Safe to call twice, and after a commit that failed."""
        if self._driver is None:
            return
        try:
            if self._in_alchemy():
                await self._wire.connection.rollback()
            self._driver.rollback()
        finally:
            self._leave()

    def _leave(self) -> None:
        self._driver = None
        if self._session is not None:
            self._session.expunge_all()
        self._gate.leave()

    def _in_alchemy(self) -> bool:
        return self._through_alchemy and self._wire.connection.in_transaction()

    def _begun(self) -> Connection:
        if self._driver is None:
            raise RuntimeError("this transaction is over, or was never begun")
        return self._driver

    def _connection(self) -> AsyncConnection:
        self._begun()
        self._through_alchemy = True
        return self._wire.connection
