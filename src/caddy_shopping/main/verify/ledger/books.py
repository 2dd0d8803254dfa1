"""The books of a whole shop, opened for reading: one snapshot of its database, on every engine."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, CursorResult, bindparam, create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from caddy_shopping.platform.db.types import UtcDateTime

A = TypeVar("A")


class Books:
    """A connection in a transaction that sees one moment, and the questions to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, question: str, **values: Any) -> CursorResult[Any]:
        """Run a SELECT. `:now` is this moment; a list fills an `IN :names`."""
        statement = text(question)
        for name, value in values.items():
            statement = statement.bindparams(bindparam(name, expanding=isinstance(value, (list, tuple))))
        if ":now" in question:
            values["now"] = datetime.now(UTC)
            statement = statement.bindparams(bindparam("now", type_=UtcDateTime()))
        return self._connection.execute(statement, values)


async def read(url: str, questions: Callable[[Books], A]) -> A:
    """What `questions` finds in the database at `url`, which it cannot change where that is SQLite."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _read_sqlite(str(parsed.database), questions)
    engine = create_async_engine(parsed, poolclass=NullPool, isolation_level="REPEATABLE READ")
    async with engine.connect() as connection:
        return await connection.run_sync(lambda sync: questions(Books(sync)))


def _read_sqlite(path: str, questions: Callable[[Books], A]) -> A:
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", poolclass=NullPool, connect_args={"timeout": 10})
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        return questions(Books(connection))


def ident(raw: Any) -> UUID:
    """An id as its engine keeps it: bytes, or a UUID already."""
    return raw if isinstance(raw, UUID) else UUID(bytes=bytes(raw))
