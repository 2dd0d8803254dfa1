"""SQLite for asyncio without a thread hop per statement.

aiosqlite hands every cursor call to a thread; measured on two cores a primary-key SELECT through
SQLAlchemy costs 0.6 ms there and 0.1 ms called directly (docs/adr/0001). Here statements that take
microseconds and cannot wait run in place: those of a writer inside its transaction (it holds SQLite's
only write lock) and those of a quick reader (point reads; in WAL mode readers wait for nobody). What takes
time goes to a thread, in one hop: the sync after a COMMIT (`sqlite_gate.py`) and the statements of a patient
reader (a facet count over 100,000 products must not stop the loop).
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from sqlalchemy import pool
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_module
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL, AdaptedConnection
from sqlalchemy.util.concurrency import await_

from caddy_shopping.platform.db.dialects.sqlite_gate import WriteGate

Role = WriteGate | Literal["read", "glance"]
"""A writer brings its gate; a reader is patient (`read`) or quick (`glance`). A `held` writer's turn at the gate is
taken by its holder (`sqlite_lines.py`), so SQLAlchemy's BEGIN says nothing and its COMMIT waits for nothing."""
T = TypeVar("T")
LOCK_POLL = 0.005
"""Seconds between two looks whether another process has finished writing."""
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sqlite")


async def _in_thread(raw: sqlite3.Connection, call: Callable[[], T]) -> T:
    """Run `call` on `raw` in a thread. Cancelled, it returns only once the thread has let go of `raw`:
    closing a connection under a running statement crashes the process.
    """
    work = _threads.submit(call)
    try:
        return await asyncio.wrap_future(work)
    except asyncio.CancelledError:
        if not work.cancel():
            raw.interrupt()
            await _let_go(work)
        raise


async def _let_go(work: Future[Any]) -> None:
    """Wait for the thread, whatever it ends with, and however often we are told to hurry."""
    free = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()
    work.add_done_callback(lambda _: loop.call_soon_threadsafe(free.set_result, None))
    while not free.done():
        try:
            await asyncio.shield(free)
        except asyncio.CancelledError:
            continue


async def _nothing() -> None:
    """Awaited by statements that run in place: SQLAlchemy refuses an async call that never awaits."""


class Cursor:
    """A DB-API cursor that has fetched all its rows by the time `execute` returns."""

    __slots__ = ("_connection", "_rows", "arraysize", "description", "lastrowid", "rowcount")
    server_side = False

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._rows: deque[Any] = deque()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    def execute(self, sql: str, parameters: Any = ()) -> "Cursor":
        self._take(lambda: self._connection.send(sql, parameters))
        return self

    def executemany(self, sql: str, parameters: Sequence[Any]) -> "Cursor":
        self._take(lambda: self._connection.send(sql, parameters, many=True))
        return self

    def _take(self, start: Callable[[], sqlite3.Cursor]) -> None:
        def run() -> tuple[sqlite3.Cursor, list[Any]]:
            cursor = start()
            return cursor, cursor.fetchall() if cursor.description else []

        if self._connection.in_place:
            await_(_nothing())
            cursor, rows = run()
        else:
            cursor, rows = await_(_in_thread(self._connection.raw, run))
        self._rows = deque(rows)
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        cursor.close()

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return [self._rows.popleft() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        rows, self._rows = list(self._rows), deque()
        return rows

    def setinputsizes(self, *sizes: Any) -> None:
        """SQLite has no use for them (PEP 249 allows that)."""

    def close(self) -> None:
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        """Nothing is held open: the rows are already here."""


class Connection(AdaptedConnection):
    """A DB-API connection around `sqlite3`, in autocommit mode until BEGIN is said."""

    __slots__ = ("_connection", "_gate", "_inside", "_lock_timeout", "dbapi", "raw")

    def __init__(self, dbapi: Any, raw: sqlite3.Connection, role: Role, held: bool, lock_timeout: float) -> None:
        self.dbapi = dbapi
        self._connection: Any = raw
        self.raw = raw
        self._gate = role if isinstance(role, WriteGate) and not held else None
        self._inside = role == "glance" or held
        self._lock_timeout = lock_timeout

    @property
    def in_place(self) -> bool:
        """Whether a statement said now is sure to be quick: a point read, or inside our turn to write."""
        return self._inside

    @property
    def isolation_level(self) -> str | None:
        return self.raw.isolation_level

    @isolation_level.setter
    def isolation_level(self, value: str | None) -> None:
        self.raw.isolation_level = None

    def cursor(self, server_side: bool = False) -> Cursor:
        return Cursor(self)

    def send(self, sql: str, parameters: Any, *, many: bool = False) -> sqlite3.Cursor:
        """Every statement of the shop passes here on its way to SQLite."""
        return self.raw.executemany(sql, parameters) if many else self.raw.execute(sql, parameters)

    async def start(self) -> None:
        """BEGIN, for a holder that has taken its turn itself."""
        if not self._try_to_begin():
            await self._begin_when_free()

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        return self.cursor().execute(sql, parameters)

    def begin(self) -> None:
        if self._gate is None:
            return
        await_(self._gate.enter())
        self._inside = True
        try:
            await_(self.start())
        except BaseException:
            self._leave()
            raise

    def _try_to_begin(self) -> bool:
        """BEGIN; False where another process writes at this moment."""
        try:
            self.raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    async def _begin_when_free(self) -> None:
        """Another process writes: ask again, until `lock_timeout` is over."""
        deadline = asyncio.get_running_loop().time() + self._lock_timeout
        while True:
            await asyncio.sleep(LOCK_POLL)
            if self._try_to_begin():
                return
            if asyncio.get_running_loop().time() > deadline:
                raise sqlite3.OperationalError("database is locked: another process has been writing for too long")

    def commit(self) -> None:
        if self._gate is None:
            self.raw.commit()
            return
        if not self.raw.in_transaction:
            self._leave()
            return
        try:
            self.raw.commit()
        finally:
            self._leave()
        await_(self._gate.durable())

    def rollback(self) -> None:
        try:
            self.raw.rollback()
        finally:
            self._leave()

    def _leave(self) -> None:
        """Our turn to write is over."""
        if self._gate is not None and self._inside:
            self._inside = False
            self._gate.leave()

    def close(self) -> None:
        try:
            self.raw.close()
        finally:
            self._leave()

    def terminate(self) -> None:
        """Close at once. The pool calls it for a connection that was dropped, from whatever thread collects it."""
        self.close()

    def create_function(self, *args: Any, **kwargs: Any) -> None:
        self.raw.create_function(*args, **kwargs)


class _Dbapi(AsyncAdapt_dbapi_module):
    """The `sqlite3` module, with a `connect` that makes adapted connections."""

    def __init__(self) -> None:
        super().__init__(sqlite3, dbapi_module=sqlite3)
        self.paramstyle = "qmark"
        for name in [
            "DatabaseError",
            "Error",
            "IntegrityError",
            "NotSupportedError",
            "OperationalError",
            "ProgrammingError",
            "sqlite_version",
            "sqlite_version_info",
            "Binary",
            "PARSE_COLNAMES",
            "PARSE_DECLTYPES",
        ]:
            setattr(self, name, getattr(sqlite3, name))

    def connect(
        self, *args: Any, role: Role = "read", held: bool = False, timeout: float = 10.0, **kwargs: Any
    ) -> Connection:
        waits = timeout
        if isinstance(role, WriteGate):
            waits = 0.0
            role.log_may_be_new()
        fixed = {"isolation_level": None, "check_same_thread": False, "timeout": waits}
        raw: sqlite3.Connection = sqlite3.connect(*args, **{**kwargs, **fixed})
        return Connection(self, raw, role, held, timeout)


class ShopSqliteDialect(SQLiteDialect_pysqlite):
    """`sqlite+shop://`: the dialect of the embedded database."""

    driver = "shop"
    is_async = True
    supports_statement_cache = True
    has_terminate = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return _Dbapi()

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        return pool.AsyncAdaptedQueuePool

    def do_begin(self, dbapi_connection: Any) -> None:
        # With pool_reset_on_return the pool calls this on raw adapted connections only.
        getattr(dbapi_connection, "dbapi_connection", dbapi_connection).begin()

    def do_terminate(self, dbapi_connection: Any) -> None:
        dbapi_connection.terminate()

    def get_driver_connection(self, connection: Any) -> Any:
        return connection.raw


registry.register("sqlite.shop", __name__, "ShopSqliteDialect")
