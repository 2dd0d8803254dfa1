"""Throws away what nobody will ask for again: old outbox, inbox and idempotency rows."""

from datetime import timedelta

from sqlalchemy import Table, delete, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from caddy_shopping.platform.module import Job, Kit

OUTBOX = timedelta(days=7)
INBOX = timedelta(days=30)
ANSWERS = timedelta(days=30)
BATCH = 500


def retention(kit: Kit) -> Job:
    """Hourly, in small batches: the one writer of SQLite is never held for long."""

    async def run() -> None:
        now, tables = kit.clock.now(), kit.tables
        await _purge(kit, tables.outbox, tables.outbox.c.published_at < now - OUTBOX)
        await _purge(kit, tables.inbox, tables.inbox.c.handled_at < now - INBOX)
        await _purge(kit, tables.idempotency, tables.idempotency.c.created_at < now - ANSWERS)

    return Job(f"{kit.context}-retention", timedelta(hours=1), run)


async def _purge(kit: Kit, table: Table, old: ColumnElement[bool]) -> None:
    keys = tuple(table.primary_key.columns)
    while True:
        async with kit.database.read() as connection:
            rows = (await connection.execute(select(*keys).where(old).limit(BATCH))).all()
        if rows:
            async with kit.database.writer.begin() as connection:
                await connection.execute(delete(table).where(tuple_(*keys).in_([tuple(row) for row in rows])))
        if len(rows) < BATCH:
            return
