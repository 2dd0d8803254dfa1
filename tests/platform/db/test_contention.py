"""Two units of work that wait for each other, on every engine: both succeed, because the loser is run again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import func, insert, select, text, update

from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.unit_of_work import UnitOfWork
from caddy_shopping.platform import executor
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.db.unit_of_work import SqlTransaction
from caddy_shopping.platform.module import Kit
from tests.support import toy
from tests.support.clock import FakeClock
from tests.support.database import make_kit
from tests.support.engines import engine_url

__all__ = ["engine_url"]

A, B = new_id(), new_id()


@pytest.fixture
async def database(engine_url: str) -> AsyncIterator[Database]:
    """Two counters, at zero."""
    opened = open_database(engine_url)
    async with opened.writer.begin() as connection:
        await connection.run_sync(toy.metadata.drop_all)
        await connection.run_sync(toy.metadata.create_all)
        rows = [{"id": A, "name": "a", "value": 0}, {"id": B, "name": "b", "value": 0}]
        await connection.execute(insert(toy.counters), rows)
    yield opened
    await opened.close()


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    first: UUID
    second: UUID


@dataclass
class CrossingHandler:
    """Adds to both, and at its first try waits between them until the other is there too."""

    uow: UnitOfWork[SqlTransaction]
    meeting: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(2))
    tries: Counter[UUID] = field(default_factory=Counter)

    async def __call__(self, command: Crossing) -> None:
        self.tries[command.first] += 1
        async with self.uow() as tx:
            await self._add(tx, command.first)
            if self.tries[command.first] == 1:
                with suppress(TimeoutError, asyncio.BrokenBarrierError):  # SQLite lets in one at a time
                    await asyncio.wait_for(self.meeting.wait(), 0.5)
            await self._add(tx, command.second)

    async def _add(self, tx: SqlTransaction, counter: UUID) -> None:
        value = toy.counters.c.value
        await tx.execute(update(toy.counters).where(toy.counters.c.id == counter).values(value=value + 1))


async def cross(database: Database) -> tuple[list[object], CrossingHandler]:
    kit: Kit = make_kit("toy", database, toy.platform_tables, FakeClock(), [])
    handler = CrossingHandler(kit.unit_of_work(SqlTransaction))
    commands = [Crossing(first=A, second=B), Crossing(first=B, second=A)]
    answers = await asyncio.gather(*(kit.run(handler, each) for each in commands), return_exceptions=True)
    return list(answers), handler


async def total(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(select(func.sum(toy.counters.c.value)))).scalar_one())


async def test_a_deadlock_is_run_again(database: Database) -> None:
    answers, handler = await cross(database)
    assert answers == [None, None]
    assert await total(database) == 4
    assert (handler.tries.total() > 2) != (database.dialect == "sqlite")


async def test_negative_control_with_one_attempt_one_of_them_fails(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "ATTEMPTS", 1)
    answers, _ = await cross(database)
    failed = [answer for answer in answers if answer is not None]
    lost = 0 if database.dialect == "sqlite" else 1
    assert [type(answer) for answer in failed] == [ConcurrentChange] * lost
    assert await total(database) == 4 - 2 * lost


SHORTLY = {"postgresql": "SET LOCAL lock_timeout = '200ms'", "mysql": "SET innodb_lock_wait_timeout = 1"}


@pytest.mark.parametrize("attempts", [1, 20])
async def test_a_lock_time_out_is_run_again(database: Database, monkeypatch: pytest.MonkeyPatch, attempts: int) -> None:
    """It is released after the first time-out. Negative control: with one attempt that is too late."""
    if database.dialect == "sqlite":
        return  # its writers queue at a gate: tests/platform/db/test_sqlite_gate.py
    monkeypatch.setattr(executor, "ATTEMPTS", attempts)
    kit: Kit = make_kit("toy", database, toy.platform_tables, FakeClock(), [])
    free, tries = asyncio.Event(), 0
    uow: UnitOfWork[SqlTransaction] = kit.unit_of_work(SqlTransaction)

    async def hold() -> None:
        async with database.writer.begin() as connection:
            await connection.execute(update(toy.counters).values(value=7))
            held.set()
            await free.wait()

    async def add(_: Crossing) -> None:
        nonlocal tries
        tries += 1
        if tries > 1:
            free.set()
        async with uow() as tx:
            await tx.execute(text(SHORTLY.get(database.dialect, SHORTLY["mysql"])))
            await tx.execute(update(toy.counters).where(toy.counters.c.id == A).values(value=1))

    held = asyncio.Event()
    holder = asyncio.create_task(hold())
    await held.wait()
    answers = await asyncio.gather(kit.run(add, Crossing(first=A, second=A)), return_exceptions=True)
    free.set()
    await holder
    assert [type(answer) for answer in answers] == [ConcurrentChange if attempts == 1 else type(None)]
    assert tries > 1 or attempts == 1
