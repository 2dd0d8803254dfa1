"""The webhooks that the sandbox has to send: rows, so that a crash loses none."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from caddy_shopping.contexts.payments.infrastructure.sandbox import tables
from caddy_shopping.contexts.payments.infrastructure.sandbox.intent import Intent
from caddy_shopping.contexts.payments.infrastructure.sandbox.messages import Message, MessageData
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.lines import Writing
from caddy_shopping.platform.db.prepared import Prepared

LEASE = timedelta(seconds=3)
"""A webhook is sent at once by the process that made it, or picked it up; after this it is anybody's."""
BATCH = 500
"""So many rows are forgotten in one transaction."""

_webhooks = tables.webhooks
_ADD = Prepared(insert(_webhooks))
_DELIVERED = Prepared(
    update(_webhooks).where(_webhooks.c.id.in_(bindparam("ids", expanding=True))).values(delivered_at=bindparam("now"))
)


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One sending. `event_id` is the message's: copies and retries share it."""

    id: UUID
    event_id: str
    body: bytes
    attempts: int


class Mailbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(
        self,
        writing: Writing,
        intent: Intent,
        types: Sequence[str],
        now: datetime,
        refund: MessageData | None = None,
    ) -> list[Outgoing]:
        """Add messages about `intent` in the transaction that made them true; returns those to be sent now."""
        rows: list[dict[str, object]] = []
        ready: list[Outgoing] = []
        for kind in types:
            later = kind == "payment.succeeded" and intent.settles_at > now
            moment = intent.settles_at if later else now
            body = msgspec.json.encode(Message(type=kind, timestamp=moment, data=refund or _about(intent, now)))
            event_id = f"msg_{new_id().hex}"
            for _ in range(intent.script.copies):
                outgoing = Outgoing(id=new_id(), event_id=event_id, body=body, attempts=0)
                rows.append(
                    msgspec.structs.asdict(outgoing)
                    | {
                        "intent_id": intent.id,
                        "type": kind,
                        "next_attempt_at": moment if later else now + LEASE,
                        "created_at": now,
                    }
                )
                if not later:
                    ready.append(outgoing)
        if rows:
            await writing.run(_ADD, rows)
        return ready

    async def take_back(self, writing: Writing, intent: Intent) -> bool:
        """Take back the success that is to be told when the intent settles. False where it is on its way already."""
        if "payment.succeeded" not in intent.script.tells:
            return True
        table = _webhooks.c
        gone = await writing.execute(
            delete(_webhooks).where(
                table.intent_id == intent.id,
                table.type == "payment.succeeded",
                table.delivered_at.is_(None),
                table.next_attempt_at == intent.settles_at,
            )
        )
        taken: int = gone.rowcount
        return taken > 0

    async def due(self, now: datetime, busy: Collection[UUID], limit: int = 100) -> list[Outgoing]:
        """Those whose time has come, kept for the caller for a while."""
        table = _webhooks.c
        query = (
            select(table.id, table.event_id, table.body, table.attempts)
            .where(table.delivered_at.is_(None), table.next_attempt_at <= now)
            .order_by(table.next_attempt_at, table.id)
            .limit(limit + len(busy))
        )
        async with self._database.read() as connection:
            ids = [row.id for row in await connection.execute(query) if row.id not in busy][:limit]
        if not ids:
            return []
        async with self._database.writing() as writing:
            # Once more, and held: meanwhile one may have been taken back, or be another process's.
            rows = await writing.execute(query.where(table.id.in_(ids)).with_for_update())
            found = [Outgoing(**row._mapping) for row in rows]
            held = [each.id for each in found]
            await writing.execute(update(_webhooks).where(table.id.in_(held)).values(next_attempt_at=now + LEASE))
        return found

    async def delivered(self, ids: Sequence[UUID], now: datetime) -> None:
        """Mark many in one statement."""
        async with self._database.writing() as writing:
            await writing.run(_DELIVERED, {"ids": ids, "now": now})

    async def refused(self, webhook_id: UUID, again_at: datetime) -> None:
        """Note when to send it again."""
        table = _webhooks.c
        async with self._database.writing() as writing:
            await writing.execute(
                update(_webhooks)
                .where(table.id == webhook_id)
                .values(attempts=table.attempts + 1, next_attempt_at=again_at)
            )

    async def purge(self, delivered_before: datetime) -> None:
        """Forget what was delivered before, a few rows at a time."""
        old = select(_webhooks.c.id).where(_webhooks.c.delivered_at < delivered_before).limit(BATCH)
        while True:
            async with self._database.read() as connection:
                ids = (await connection.scalars(old)).all()
            if ids:
                async with self._database.writing() as writing:
                    await writing.execute(delete(_webhooks).where(_webhooks.c.id.in_(ids)))
            if len(ids) < BATCH:
                return


def _about(intent: Intent, now: datetime) -> MessageData:
    reason = intent.sighting(now).reason
    return MessageData(payment_id=intent.id, reference=intent.reference, amount=intent.amount, reason=reason)
