"""A large shop in little time: rows made by the database itself, from a table of numbers."""

import sqlite3
from contextlib import closing

from sqlalchemy import text

from caddy_shopping.platform.db.engine import Database
from tests.support.bulk_rows import tables
from tests.support.bulk_words import Scale, Words, bulk_id

BATCH = 50_000


async def fill(database: Database, scale: Scale) -> None:
    """Fill a migrated, empty shop and let the database take its statistics."""
    words = Words(database.dialect, scale)
    statements = ["CREATE TABLE bulk_n (i BIGINT NOT NULL PRIMARY KEY)", *_numbers(max(scale.products, scale.orders))]
    for table, count, columns in tables(words, scale):
        head = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM bulk_n"
        statements += [f"{head} WHERE i >= {n} AND i < {min(n + BATCH, count)}" for n in range(0, count, BATCH)]
    statements += _statistics(database.dialect, [table for table, _, _ in tables(words, scale)])
    if database.dialect == "sqlite":
        _on_sqlite(database, statements)
        return
    async with database.writer.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            await connection.execute(text(statement.replace(":", "\\:")))


def _on_sqlite(database: Database, statements: list[str]) -> None:
    with closing(sqlite3.connect(str(database.writer.url.database), isolation_level=None)) as connection:
        connection.create_function("bulk_id", 3, lambda ms, kind, n: bulk_id(ms, kind, n).bytes, deterministic=True)
        for statement in statements:
            connection.execute(statement)


def _numbers(count: int) -> list[str]:
    digits = "(SELECT 0 AS d" + "".join(f" UNION ALL SELECT {d}" for d in range(1, 10)) + ")"
    first = f"INSERT INTO bulk_n SELECT a.d + 10 * b.d + 100 * c.d FROM {digits} a, {digits} b, {digits} c"
    return [
        first,
        *(
            f"INSERT INTO bulk_n SELECT i + {base} FROM bulk_n WHERE i < {min(base, count - base)}"
            for base in (1000 * 2**power for power in range(20))
            if base < count
        ),
    ]


def _statistics(dialect: str, tables: list[str]) -> list[str]:
    if dialect == "sqlite":
        return ["ANALYZE"]
    if dialect == "postgresql":
        return [f"VACUUM (ANALYZE) {table}" for table in tables]
    return [f"ANALYZE TABLE {table}" for table in tables]
