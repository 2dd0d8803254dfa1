"""The relay is stopped dead between any two of its steps: no event is lost, and each has its effect once.

Not a real kill (that is `test_crashes`), but every place where one could strike, one after another: a life
ends with an exception that nothing catches, all that it had in memory is dropped, and the next life begins
on the same database.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.events.bus import InProcessBus
from caddy_shopping.platform.events.consumer import on
from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.reactions import Subscription
from caddy_shopping.platform.events.relay import Relay
from caddy_shopping.platform.module import Kit
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.support import toy
from tests.support.clock import FakeClock
from tests.support.database import make_kit, opened
from tests.support.toy import Counted, SqlToyTransaction

AGGREGATES, EVENTS = 3, 9


class Killed(BaseException):
    """The end of a process; not an `Exception`, so that no error handling comes to its rescue."""


class Fuse:
    """Burns one piece at each step; where it ends, so does the life, and whatever it still tries."""

    def __init__(self, length: int | None) -> None:
        self.left = length
        self.steps: list[str] = []

    def step(self, name: str) -> None:
        self.steps.append(name)
        if self.left is not None:
            if self.left <= 0:
                raise Killed(name)
            self.left -= 1


class FusedRelay(Relay):
    """The relay, with a step before and after everything that it does to the world."""

    fuse: Fuse

    async def _fetch(self) -> list[Envelope]:
        self.fuse.step("fetch")
        return await super()._fetch()

    async def _mark(self) -> None:
        if self._done:
            self.fuse.step("before mark")
            await super()._mark()
            self.fuse.step("after mark")


class ForgetfulRelay(FusedRelay):
    """The first negative control: marks what it fetched as published before the bus has it."""

    async def _fetch(self) -> list[Envelope]:
        events = await super()._fetch()
        self._done += [event.seq for event in events]
        await self._mark()
        return events


class WithoutInbox(Subscription):
    """The second negative control: the effect without its inbox row."""

    async def handle(self, event: Envelope) -> bool:
        await self.consumer.handler(event.open(Counted))
        return True


class World:
    """Three aggregates' events in the outbox, and a consumer that counts each event under a name of its own."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.uow = kit.unit_of_work(SqlToyTransaction)
        self.order: list[tuple[UUID, int]] = []
        self.relay: type[FusedRelay] = FusedRelay
        self.subscription: type[Subscription] = Subscription
        self.together = False

    async def emit(self) -> None:
        keys = [new_id() for _ in range(AGGREGATES)]
        async with self.uow() as tx:
            for number in range(EVENTS):
                tx.publish(Counted(counter_id=keys[number % AGGREGATES], value=number))

    async def live(self, length: int | None) -> Fuse:
        """One life of a process, until there is nothing left to do or the fuse is burnt."""
        fuse = Fuse(length)
        bus = InProcessBus(Metrics())
        consumer = on(Counted, "toy.note", self._note(fuse), lambda event: event, together=self.together)
        letters = DeadLetters(self.kit.database, self.kit.tables, self.kit.clock)
        bus.subscribe([self.subscription(consumer, self.kit.run, letters)])
        relay = self.relay("toy", self.kit.database, self.kit.tables, bus, self.kit.clock, Metrics())
        relay.fuse = fuse
        try:
            await asyncio.wait_for(_until_dead_or_done(relay), 20)
        except Killed:
            for task in relay._tasks:
                task.cancel()
        await asyncio.gather(*relay._tasks, return_exceptions=True)
        return fuse

    def _note(self, fuse: Fuse) -> Callable[[Counted], Awaitable[object]]:
        async def note(event: Counted) -> None:
            fuse.step("before effect")
            async with self.uow() as tx:
                await tx.count(_name(event), 1)
                fuse.step("before commit")
            self.order.append((event.counter_id, event.value))
            fuse.step("after effect")

        return note

    async def effects(self) -> dict[str, int]:
        async with self.kit.database.read() as connection:
            rows = await connection.execute(select(toy.counters.c.name, toy.counters.c.value))
            return {row.name: row.value for row in rows}

    async def breaches(self) -> list[str]:
        """Events without effect, with more than one, or out of order within their aggregate."""
        outbox = self.kit.tables.outbox.c
        async with self.kit.database.read() as connection:
            rows = (await connection.execute(select(outbox.payload, outbox.published_at).order_by(outbox.seq))).all()
        effects, found = await self.effects(), list[str]()
        for row in rows:
            event = msgspec.json.decode(row.payload, type=Counted)
            count = effects.get(_name(event), 0)
            if count != 1:
                found.append(f"event {event.value} had its effect {count} times")
            if row.published_at is None:
                found.append(f"event {event.value} was never marked")
        for key in {key for key, _ in self.order}:
            seen = [value for other, value in self.order if other == key]
            if seen != sorted(seen):
                found.append(f"out of order: {seen}")
        return found


def _name(event: Counted) -> str:
    return f"{event.counter_id.hex}:{event.value}"


async def _until_dead_or_done(relay: Relay) -> None:
    """Drain, unless one of the relay's deliveries dies, which is the death of the whole."""
    draining = asyncio.create_task(relay.drained())
    try:
        while not draining.done():
            waiting = {draining, *relay._tasks}
            done, _ = await asyncio.wait(waiting, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
    draining.result()


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    async with opened(toy.metadata) as database:
        made = World(make_kit("toy", database, toy.platform_tables, FakeClock(), []))
        await made.emit()
        yield made


async def all_steps(*, together: bool) -> list[str]:
    """What a life without any accident does."""
    async with world() as made:
        made.together = together
        fuse = await made.live(None)
        assert await made.breaches() == []
        return fuse.steps


@pytest.mark.parametrize("together", [False, True])
async def test_a_kill_at_any_one_step(together: bool) -> None:
    steps = await all_steps(together=together)
    assert {"fetch", "before effect", "before commit", "after effect", "before mark", "after mark"} == set(steps)
    for length in range(len(steps)):
        async with world() as made:
            made.together = together
            await made.live(length)
            await made.live(None)
            assert await made.breaches() == [], f"killed at step {length}"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6), together=st.booleans())
def test_any_number_of_kills(lengths: list[int], together: bool) -> None:
    async def lives() -> None:
        async with world() as made:
            made.together = together
            for length in lengths:
                await made.live(length)
            await made.live(None)
            assert await made.breaches() == []

    asyncio.run(lives())


async def breaches_of(relay: type[FusedRelay], subscription: type[Subscription]) -> set[str]:
    """Everything that goes wrong when a worse machine is killed at each of its steps in turn."""
    found = set[str]()
    for length in range(0, 45, 2):
        async with world() as made:
            made.relay, made.subscription = relay, subscription
            await made.live(length)
            await made.live(None)
            found.update(await made.breaches())
    return found


async def test_negative_control_marking_first_loses_events() -> None:
    assert any("0 times" in breach for breach in await breaches_of(ForgetfulRelay, Subscription))


async def test_negative_control_without_the_inbox_effects_come_twice() -> None:
    assert any("2 times" in breach for breach in await breaches_of(FusedRelay, WithoutInbox))
