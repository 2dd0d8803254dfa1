"""Brings each context's tables to the newest revision; each context has a history of its own.

A revision is a file `0001_name.py` in the context's `migrations` folder and is called
`<context>_0001`, so that the newest is known without loading Alembic (a start must be fast).
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.module import Schema


def head(schema: Schema) -> str:
    """The newest revision there is, from the file names."""
    newest = max(path.name[:4] for path in schema.migrations.glob("[0-9]*.py"))
    return f"{schema.context}_{newest}"


async def current(database: Database, schema: Schema) -> str | None:
    """The revision that the database is at; None where nothing was migrated yet."""

    def read(connection: Connection) -> str | None:
        if not inspect(connection).has_table(_version_table(schema)):
            return None
        return connection.execute(text(f"SELECT version_num FROM {_version_table(schema)}")).scalar()  # noqa: S608

    async with database.read() as connection:
        return await connection.run_sync(read)


async def pending(database: Database, schemas: Sequence[Schema]) -> list[Schema]:
    """Those whose tables are not at the newest revision."""
    return [schema for schema in schemas if await current(database, schema) != head(schema)]


async def upgrade(database: Database, schema: Schema, revision: str = "head") -> None:
    """Migrate up to `revision`, in one transaction where the database can do that."""
    from alembic import command

    await _run(database, schema, lambda config: command.upgrade(config, revision))


async def downgrade(database: Database, schema: Schema, revision: str = "base") -> None:
    """Migrate down to `revision`; data that only the newer tables held is lost."""
    from alembic import command

    await _run(database, schema, lambda config: command.downgrade(config, revision))


def plan(dialect: str, schema: Schema, since: str | None) -> str:
    """The SQL that `upgrade` would run, for a person to read first."""
    from alembic import command

    out = StringIO()
    config = _config(schema, None, dialect)
    config.output_buffer = out
    command.upgrade(config, f"{since}:head" if since else "head", sql=True)
    return out.getvalue()


async def _run(database: Database, schema: Schema, act: Callable[[Any], None]) -> None:
    with known_notes_unsaid():
        async with database.writer.begin() as connection:
            await connection.run_sync(lambda sync: act(_config(schema, sync, database.dialect)))


# MySQL names no primary key, and Alembic gives its version table's a name. TiDB checks no CHECK unless its operator
# says so: the statements that move stock and money carry their condition themselves.
_KNOWN_NOTE = re.compile(r"Name '\w+_pkc' ignored for PRIMARY key\.?|tidb_enable_check_constraint is off")


@contextmanager
def known_notes_unsaid() -> Iterator[None]:
    """The driver for MySQL logs each note of the server as a warning: these two are none."""
    log = logging.getLogger("asyncmy")
    log.addFilter(_is_news)
    try:
        yield
    finally:
        log.removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return _KNOWN_NOTE.fullmatch(record.getMessage()) is None


def _config(schema: Schema, connection: Connection | None, dialect: str) -> Any:
    from alembic.config import Config

    config = Config(attributes={})
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic_env"))
    config.set_main_option("version_locations", str(schema.migrations))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(
        connection=connection,
        dialect=dialect,
        version_table=_version_table(schema),
        metadata=schema.metadata,
    )
    return config


def _version_table(schema: Schema) -> str:
    return f"{schema.context}_alembic_version"
