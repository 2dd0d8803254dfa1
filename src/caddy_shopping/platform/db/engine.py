"""Where a context's data lives: one URL, a writer's pool and a readers' pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from caddy_shopping.platform.db.dialects import sqlite
from caddy_shopping.platform.db.dialects.sqlite_gate import WriteGate
from caddy_shopping.platform.db.dialects.sqlite_lines import EmbeddedGlance, EmbeddedWriting, Wire
from caddy_shopping.platform.db.faults import DatabaseDown
from caddy_shopping.platform.db.lines import Glance, PooledGlance, PooledWriting, Writing
from caddy_shopping.platform.db.together import Together

PAUSE = 1.0
"""Seconds after which a server's connection is asked whether it still stands, before it is used again."""
WRITERS = 2
"""Connections of SQLite's rare writers, beside the one that units of work share: one writes, the other waits."""


class Database:
    """One database, shared by all contexts that name the same URL."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self.writer = writer
        self.reader = reader
        self.together = Together(self.writing)

    @property
    def dialect(self) -> str:
        """`sqlite`, `postgresql`, `mysql` or `mariadb`."""
        return self.writer.dialect.name

    def writing(self) -> Writing:
        """A transaction, not yet begun."""
        return PooledWriting(self.writer)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for SELECTs outside any unit of work. Each statement sees what is committed."""
        async with self.reader.connect() as connection:
            yield connection

    def glance(self) -> Glance:
        """As `read`, for SELECTs that touch a handful of rows by an index: SQLite answers them in place."""
        return PooledGlance(self.reader)

    async def close(self) -> None:
        for engine in {self.writer, self.reader}:
            await engine.dispose()


class EmbeddedDatabase(Database):
    """SQLite, which has one writer at a time.

    All writers take turns at a gate in memory, in order and bounded by `pool_timeout`, where they would otherwise
    poll for the file's lock.
    """

    def __init__(
        self, writer: AsyncEngine, reader: AsyncEngine, holder: AsyncEngine, glancer: AsyncEngine, gate: WriteGate
    ) -> None:
        super().__init__(writer, reader)
        self.gate = gate
        self._holder, self._glancer = holder, glancer
        self._wire = Wire(holder)
        self._glance = EmbeddedGlance(Wire(glancer))

    def writing(self) -> Writing:
        return EmbeddedWriting(self._wire, self.gate)

    def glance(self) -> Glance:
        return self._glance

    async def close(self) -> None:
        await self._wire.close()
        await self._glance.close()
        for engine in (self._holder, self._glancer):
            await engine.dispose()
        await super().close()
        self.gate.close()


def open_database(url: str, *, pool_size: int = 10, pool_timeout: float = 5.0, lock_timeout: float = 10.0) -> Database:
    """Open `url` (`sqlite:///path` or an async SQLAlchemy URL). Nothing is connected before it is used.

    `pool_size`: connections that write, and as many that read. `pool_timeout`: seconds a request waits for one.
    `lock_timeout`: seconds SQLite's writer waits for another process's transaction (an import commits in small
    batches for that reason).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # PostgreSQL's adapter prepares each statement, and forgets those beyond the limit: there are more than its 100.
        postgresql = {"timeout": pool_timeout, "prepared_statement_cache_size": 1000}
        options = postgresql if parsed.get_backend_name() == "postgresql" else {"connect_timeout": pool_timeout}

        def pooled(isolation: str, reset: Literal["rollback"] | None) -> AsyncEngine:
            engine = create_async_engine(
                parsed,
                isolation_level=isolation,
                pool_size=pool_size,
                max_overflow=0,
                pool_timeout=pool_timeout,
                pool_use_lifo=True,  # the connection used last needs no ping, and knows most statements
                pool_reset_on_return=reset,
                hide_parameters=True,
                connect_args=options,
            )
            event.listen(engine.sync_engine, "do_connect", _connect)
            _ping_after_a_pause(engine)
            return engine

        # A reader is in no transaction, so there is nothing to roll back (which would be a trip to the server).
        return Database(pooled("READ COMMITTED", "rollback"), pooled("AUTOCOMMIT", None))
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    parsed = parsed.set(drivername=f"sqlite+{sqlite.ShopSqliteDialect.driver}")

    def pool_of(role: sqlite.Role, size: int, *, held: bool = False) -> AsyncEngine:
        return create_async_engine(
            parsed,
            pool_size=size,
            pool_use_lifo=True,  # the connection used last has the warmest cache
            max_overflow=0,
            pool_timeout=pool_timeout,
            hide_parameters=True,
            connect_args={"role": role, "held": held, "timeout": lock_timeout},
        )

    gate = WriteGate(parsed.database, pool_timeout)
    writer, holder = pool_of(gate, WRITERS), pool_of(gate, 1, held=True)
    reader, glancer = pool_of("read", 4), pool_of("glance", 1)
    for engine, prepare in (
        (writer, _prepare_writer),
        (holder, _prepare_writer),
        (reader, _prepare_reader),
        (glancer, _prepare_reader),
    ):
        event.listen(engine.sync_engine, "connect", prepare)
    return EmbeddedDatabase(writer, reader, holder, glancer, gate)


def _connect(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
    try:
        return dialect.connect(*arguments, **options)
    except OSError as fault:
        # asyncpg lets it through as it is, and SQLAlchemy too: it would look like anybody's.
        raise DatabaseDown(retry_after=2) from fault


def _ping_after_a_pause(engine: AsyncEngine) -> None:
    """Ask a connection that lay in the pool for a while whether it still stands; a trip for each use is too many."""
    dialect: Any = engine.sync_engine.dialect

    def left(_connection: Any, record: Any) -> None:
        record.info["left_at"] = monotonic()

    def taken(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get("left_at", monotonic()) < PAUSE:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as fault:
            if not dialect.is_disconnect(fault, connection, None):
                raise
            # Those that lay there with it are gone as well.
            raise InvalidatePoolError from fault

    event.listen(engine.sync_engine, "checkin", left)
    event.listen(engine.sync_engine, "checkout", taken)


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
