"""Count the SQL that something costs."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from caddy_shopping.platform.db.engine import Database


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engines = [database.writer.sync_engine, database.reader.sync_engine]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
