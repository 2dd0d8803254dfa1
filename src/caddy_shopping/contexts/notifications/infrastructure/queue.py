"""The queue of mails in the database.

A batch is claimed by a conditional UPDATE: its WHERE names the state that the SELECT before it saw, so of
two processes that saw the same mail one updates it and the other finds no row. That holds on every
database, with or without SKIP LOCKED.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, insert, or_, select, update

from caddy_shopping.contexts.notifications.domain.email import LEASE, Email, EmailStatus, Outcome, next_attempt
from caddy_shopping.contexts.notifications.domain.errors import EmailNotFound, EmailNotRetryable
from caddy_shopping.contexts.notifications.infrastructure.tables import emails
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.db.unit_of_work import SqlTransaction

_ERROR_LENGTH = 1_000
_ADD = Prepared(insert(emails))
_due = (emails.c.status == EmailStatus.QUEUED, emails.c.next_attempt_at <= bindparam("now"))
_seen: ColumnElement[bool] = emails.c.id.in_(bindparam("seen", expanding=True))
_mine = emails.c.claimed_by == bindparam("batch")
_OLDEST = Prepared(
    select(emails.c.id).where(*_due).order_by(emails.c.next_attempt_at, emails.c.id).limit(bindparam("limit"))
)
_TAKE = Prepared(
    update(emails)
    .where(_seen, *_due)
    .values(claimed_by=bindparam("batch"), next_attempt_at=bindparam("until"), attempts=emails.c.attempts + 1)
)
_MINE = Prepared(select(emails).where(_seen, _mine).order_by(emails.c.id))
_SENT = Prepared(
    update(emails)
    .where(_seen, _mine)
    .values(status=EmailStatus.SENT, sent_at=bindparam("now"), claimed_by=None, last_error=None, data={})
)


class SqlEmails:
    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, email: Email) -> None:
        row = {
            "id": email.id,
            "user_id": email.user_id,
            "address": email.address,
            "template": email.kind,
            "language": email.language,
            "data": email.data,
            "message_id": email.message_id,
            "status": EmailStatus.QUEUED,
            "attempts": 0,
            "next_attempt_at": email.created_at,
            "created_at": email.created_at,
        }
        await self._tx.run(_ADD, row)

    async def claim(self, batch: UUID, now: datetime, limit: int) -> list[Email]:
        seen = await self._see(now, limit)
        return await self._take(seen, batch, now) if seen else []

    async def _see(self, now: datetime, limit: int) -> Sequence[UUID]:
        return [row.id for row in await self._tx.run(_OLDEST, {"now": now, "limit": limit})]

    async def _take(self, seen: Sequence[UUID], batch: UUID, now: datetime) -> list[Email]:
        await self._tx.run(_TAKE, {"seen": seen, "now": now, "batch": batch, "until": now + LEASE})
        return [_email(row) for row in await self._tx.run(_MINE, {"seen": seen, "batch": batch})]

    async def settle(self, batch: UUID, outcomes: Sequence[Outcome], now: datetime) -> None:
        sent = [outcome.email.id for outcome in outcomes if outcome.sent]
        if sent:
            # What the mail said is not needed any more, and may have held a token.
            await self._tx.run(_SENT, {"seen": sent, "batch": batch, "now": now})
        missed = [_missed(outcome, now) for outcome in outcomes if not outcome.sent]
        if missed:
            await self._tx.execute(
                update(emails)
                .where(emails.c.id == bindparam("email_id"), emails.c.claimed_by == batch)
                .values(claimed_by=None),
                missed,
            )

    async def requeue(self, email_id: UUID, now: datetime) -> None:
        free = or_(emails.c.claimed_by.is_(None), emails.c.next_attempt_at <= now)
        done = await self._tx.execute(
            update(emails)
            .where(emails.c.id == email_id, emails.c.status != EmailStatus.SENT, free)
            .values(status=EmailStatus.QUEUED, attempts=0, next_attempt_at=now, claimed_by=None)
        )
        if done.rowcount == 1:
            return
        known = await self._tx.execute(select(emails.c.id).where(emails.c.id == email_id))
        raise EmailNotFound() if known.first() is None else EmailNotRetryable()

    async def purge(self, sent_before: datetime, limit: int) -> int:
        # A mail's last lease ends after it was sent, and is what the index of the queue knows.
        old = (emails.c.status == EmailStatus.SENT, emails.c.next_attempt_at < sent_before + LEASE)
        gone = select(emails.c.id).where(*old, emails.c.sent_at < sent_before).limit(limit)
        ids = (await self._tx.execute(gone)).scalars().all()
        if ids:
            await self._tx.execute(delete(emails).where(emails.c.id.in_(ids)))
        return len(ids)


def _missed(outcome: Outcome, now: datetime) -> dict[str, object]:
    return {
        "email_id": outcome.email.id,
        "status": EmailStatus.FAILED if outcome.final else EmailStatus.QUEUED,
        "next_attempt_at": next_attempt(outcome.email.attempts, now),
        "last_error": (outcome.error or "")[:_ERROR_LENGTH],
    }


def _email(row: Any) -> Email:
    return Email(
        row.id,
        row.user_id,
        row.address,
        row.template,
        row.language,
        row.data,
        row.message_id,
        row.created_at,
        row.attempts,
    )
