"""Where a context's data lives: one URL, a writer's pool and a readers' pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from caddy_shopping.platform.db.dialects import sqlite
from caddy_shopping.platform.db.dialects.sqlite_gate import WriteGate

WRITERS = 6
"""Connections of SQLite's writers: one writes, the others wait for the disk or for their turn."""


class Database:
    """One database, shared by all contexts that name the same URL.

    SQLite has one writer at a time: its connections take turns at a gate in memory, in order and bounded by
    `pool_timeout`, where they would otherwise poll for the file's lock.
    """

    def __init__(
        self, writer: AsyncEngine, reader: AsyncEngine, glancer: AsyncEngine, gate: WriteGate | None = None
    ) -> None:
        self.writer = writer
        self.reader = reader
        self._glancer = glancer
        self.gate = gate

    @property
    def dialect(self) -> str:
        """`sqlite`, `postgresql`, `mysql` or `mariadb`."""
        return self.writer.dialect.name

    def session(self) -> AsyncSession:
        """A session on the writing side, not yet begun."""
        return AsyncSession(self.writer, expire_on_commit=False, autoflush=False)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for SELECTs outside any unit of work. Each statement sees what is committed."""
        async with self.reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncConnection]:
        """As `read`, for SELECTs that touch a handful of rows by an index: SQLite answers them in place."""
        async with self._glancer.connect() as connection:
            yield connection

    async def close(self) -> None:
        for engine in {self.writer, self.reader, self._glancer}:
            await engine.dispose()
        if self.gate is not None:
            self.gate.close()


def open_database(url: str, *, pool_size: int = 10, pool_timeout: float = 5.0, lock_timeout: float = 10.0) -> Database:
    """Open `url` (`sqlite:///path` or an async SQLAlchemy URL). Nothing is connected before it is used.

    `pool_timeout`: seconds a request waits for a connection. `lock_timeout`: seconds SQLite's writer
    waits for another process's transaction (an import commits in small batches for that reason).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_async_engine(
            parsed, pool_size=pool_size, pool_timeout=pool_timeout, pool_pre_ping=True, hide_parameters=True
        )
        return Database(engine, engine, engine)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    parsed = parsed.set(drivername=f"sqlite+{sqlite.ShopSqliteDialect.driver}")

    def pool_of(role: sqlite.Role, size: int) -> AsyncEngine:
        return create_async_engine(
            parsed,
            pool_size=size,
            pool_use_lifo=True,  # the connection used last has the warmest cache
            max_overflow=0,
            pool_timeout=pool_timeout,
            hide_parameters=True,
            connect_args={"role": role, "timeout": lock_timeout},
        )

    gate = WriteGate(parsed.database, pool_timeout)
    writer, reader, glancer = pool_of(gate, WRITERS), pool_of("read", 4), pool_of("glance", 8)
    event.listen(writer.sync_engine, "connect", _prepare_writer)
    event.listen(reader.sync_engine, "connect", _prepare_reader)
    event.listen(glancer.sync_engine, "connect", _prepare_reader)
    return Database(writer, reader, glancer, gate)


def _prepare_writer(connection: Any, _record: Any) -> None:
    # NORMAL, and the gate: a commit is on the disk before it is acknowledged, as on the server databases.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-8000",
    ):
        connection.raw.execute(f"PRAGMA {pragma}")


def _prepare_reader(connection: Any, _record: Any) -> None:
    for pragma in ("query_only=ON", "cache_size=-4000"):
        connection.raw.execute(f"PRAGMA {pragma}")
