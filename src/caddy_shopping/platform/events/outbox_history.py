"""What a context's outbox still has of the events that were published: the history of a bus that keeps none."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.events.envelope import Envelope

BATCH = 500


async def outbox_history(
    context: str, database: Database, tables: PlatformTables, since: datetime | None
) -> AsyncIterator[Envelope]:
    """Published events that happened from `since` on, oldest first."""
    outbox, last = tables.outbox.c, 0
    while True:
        asked = select(tables.outbox).where(outbox.seq > last, outbox.published_at.is_not(None))
        if since is not None:
            asked = asked.where(outbox.occurred_at >= since)
        async with database.read() as connection:
            rows = (await connection.execute(asked.order_by(outbox.seq).limit(BATCH))).all()
        for row in rows:
            last = row.seq
            yield envelope_of_row(context, row)
        if len(rows) < BATCH:
            return


def envelope_of_row(context: str, row: Row[Any]) -> Envelope:
    """The event that an outbox row holds."""
    return Envelope(
        seq=row.seq,
        event_id=row.event_id,
        topic=context,
        type=row.type,
        schema_version=row.schema_version,
        key=row.event_key,
        payload=bytes(row.payload),
        occurred_at=row.occurred_at,
        traceparent=row.traceparent,
    )
