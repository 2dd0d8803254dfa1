"""Events that a consumer could not take, kept with their error until a person has looked."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import NotFound
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.events.envelope import Envelope

DEAD_LETTERS = "dead-letters"
"""What their topic is called, where there are topics."""


class DeadLetterNotFound(NotFound):
    code = "DEAD_LETTER_NOT_FOUND"
    en = "There is no dead letter {event_id} of {consumer}."
    zh = "没有 {consumer} 的死信 {event_id}。"


class DeadLetter(msgspec.Struct, frozen=True):
    """One event that one consumer gave up on."""

    consumer: str
    envelope: Envelope
    error: str
    attempts: int


class DeadLetters:
    """The dead letters of one context's consumers."""

    def __init__(self, database: Database, tables: PlatformTables, clock: Clock) -> None:
        self._database = database
        self._table = tables.dead_letters
        self._clock = clock

    async def add(self, consumer: str, event: Envelope, fault: BaseException, attempts: int) -> None:
        row = {
            "consumer": consumer,
            "event_id": event.event_id,
            "topic": event.topic,
            "type": event.type,
            "schema_version": event.schema_version,
            "event_key": event.key,
            "payload": event.payload,
            "error": f"{type(fault).__name__}: {fault}",
            "attempts": attempts,
            "occurred_at": event.occurred_at,
            "failed_at": self._clock.now(),
        }
        try:
            async with self._database.writer.begin() as connection:
                await connection.execute(insert(self._table), row)
        except IntegrityError:
            # Buried before a crash, and delivered again after it: the letter is already here.
            return

    async def all(self, limit: int = 100) -> list[DeadLetter]:
        """Oldest first."""
        table = self._table
        async with self._database.read() as connection:
            rows = await connection.execute(select(table).order_by(table.c.failed_at).limit(limit))
            return [_letter(row) for row in rows]

    async def get(self, consumer: str, event_id: UUID) -> DeadLetter:
        """Raises `DeadLetterNotFound`."""
        table = self._table
        async with self._database.read() as connection:
            found = await connection.execute(
                select(table).where(table.c.consumer == consumer, table.c.event_id == event_id)
            )
            row = found.first()
        if row is None:
            raise DeadLetterNotFound(consumer=consumer, event_id=event_id)
        return _letter(row)

    async def remove(self, consumer: str, event_id: UUID) -> None:
        table = self._table
        async with self._database.writer.begin() as connection:
            await connection.execute(delete(table).where(table.c.consumer == consumer, table.c.event_id == event_id))


def _letter(row: Row[Any]) -> DeadLetter:
    envelope = Envelope(
        seq=0,
        event_id=row.event_id,
        topic=row.topic,
        type=row.type,
        schema_version=row.schema_version,
        key=row.event_key,
        payload=bytes(row.payload),
        occurred_at=row.occurred_at,
    )
    return DeadLetter(row.consumer, envelope, row.error, row.attempts)
