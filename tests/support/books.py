"""A look into a shop's database from outside, for code that cannot await: the same SQL on every engine.

`?` marks a value; ids go in as UUIDs and moments as datetimes. Both come back as SQLite keeps them, as bytes and as
microseconds, so that what they are compared with is the same on each engine.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID

from sqlalchemy import TypeDecorator, inspect, make_url, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.db.types import Id, UtcDateTime
from tests.support.engine import ENGINE

R = TypeVar("R")


def read_only(data_dir: Path) -> "Books":
    """The database of the shop in `data_dir`, as it is at the first look."""
    return Books(ENGINE.url_of(data_dir))


def ask(data_dir: Path, question: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of one SELECT on the database of the shop in `data_dir`."""
    with read_only(data_dir) as books:
        return [tuple(row) for row in books.execute(question, values)]


def change(data_dir: Path, *statements: str, values: Sequence[Any] = ()) -> int:
    """Change that database behind the shop's back; how many rows the last statement touched."""
    with Books(ENGINE.url_of(data_dir), write=True) as books:
        return [books.execute(statement, values).rowcount for statement in statements][-1]


class Row(tuple[Any, ...]):
    """Values by place and by name."""

    names: tuple[str, ...]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)

    def keys(self) -> tuple[str, ...]:
        return self.names


class Answer(list[Row]):
    """The rows of a SELECT; how many rows a change touched."""

    rowcount: int = -1


class Books:
    """One connection. A reader's looks all see the same moment; a writer (`write=True`) commits each statement."""

    def __init__(self, url: str, *, write: bool = False) -> None:
        self._write = write
        self._database = _open(url)
        # A loop of its own, in a thread of its own: whoever asks may be a coroutine of another loop.
        self._runner = asyncio.Runner()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="books")
        self._connection: AsyncConnection | None = None
        try:
            self._connection = self._run(self._begin())
        except BaseException:
            self.close()
            raise

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Answer:
        """Run one statement."""
        return self._run(self._execute(statement, values))

    def everything(self) -> dict[str, Answer]:
        """All rows of all tables."""
        return self._run(self._everything())

    def tables(self) -> list[str]:
        """The names of all tables."""
        return self._run(self._opened.run_sync(lambda connection: inspect(connection).get_table_names()))

    def close(self) -> None:
        try:
            self._run(self._end())
        finally:
            self._thread.submit(self._runner.close).result()
            self._thread.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _opened(self) -> AsyncConnection:
        assert self._connection is not None
        return self._connection

    def _run(self, coroutine: Coroutine[Any, Any, R]) -> R:
        return self._thread.submit(self._runner.run, coroutine).result()

    async def _begin(self) -> AsyncConnection:
        engine = self._database.writer if self._write else self._database.reader
        connection = await engine.connect()
        if self._database.dialect == "sqlite" and not self._write:
            await connection.exec_driver_sql("BEGIN")
        return connection

    async def _execute(self, statement: str, values: Sequence[Any]) -> Answer:
        parts = statement.split("?")
        assert len(parts) == len(values) + 1, statement
        said = parts[0] + "".join(f":v{place}{part}" for place, part in enumerate(parts[1:]))
        given = {f"v{place}": self._to_database(value) for place, value in enumerate(values)}
        result = await self._opened.execute(text(said), given)
        answer = Answer(_rows(tuple(result.keys()), result.all()) if result.returns_rows else ())
        answer.rowcount = result.rowcount
        if self._write:
            await self._opened.commit()
        return answer

    async def _everything(self) -> dict[str, Answer]:
        names = await self._opened.run_sync(lambda connection: inspect(connection).get_table_names())
        return {name: await self._execute(f"SELECT * FROM {name}", ()) for name in names}

    async def _end(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        await self._database.close()

    def _to_database(self, value: Any) -> Any:
        kinds: dict[type, TypeDecorator[Any]] = {UUID: Id(), datetime: UtcDateTime()}
        kind = kinds.get(type(value))
        convert = None if kind is None else kind.bind_processor(self._database.writer.dialect)
        return value if convert is None else convert(value)


def _open(url: str) -> Database:
    if make_url(url).get_backend_name() == "sqlite":
        return open_database(url)
    engine = create_async_engine(url, isolation_level="REPEATABLE READ", poolclass=NullPool)
    return Database(engine, engine)


def _rows(names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> list[Row]:
    found = [Row(map(_as_in_sqlite, row)) for row in rows]
    for row in found:
        row.names = names
    return found


_micros_of: Any = UtcDateTime().bind_processor(sqlite.dialect())


def _as_in_sqlite(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, datetime):
        return _micros_of(value if value.tzinfo else value.replace(tzinfo=UTC))
    return value
