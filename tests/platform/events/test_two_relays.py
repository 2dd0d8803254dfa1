"""Two processes relay one outbox at once, on every engine: nothing is locked or skipped, and each effect comes once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import select

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.events.bus import InProcessBus
from caddy_shopping.platform.events.consumer import on
from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.reactions import Subscription
from caddy_shopping.platform.events.relay import Relay
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.support import toy
from tests.support.clock import FakeClock
from tests.support.database import make_kit
from tests.support.engines import engine_url
from tests.support.toy import Counted, SqlToyTransaction

__all__ = ["engine_url"]

AGGREGATES, EVENTS = 4, 24


class MeetingRelay(Relay):
    """Delivers only once the other has fetched the same events."""

    meeting: asyncio.Barrier | None = None

    async def _fetch(self) -> list[Envelope]:
        events = await super()._fetch()
        if self.meeting is not None:
            meeting, self.meeting = self.meeting, None
            await meeting.wait()
        return events


class WithoutInbox(Subscription):
    """The negative control: the effect without its inbox row."""

    async def handle(self, event: Envelope) -> bool:
        await self._run(self.consumer.handler, event.open(Counted))
        return True


@asynccontextmanager
async def processes(url: str) -> AsyncIterator[list[Database]]:
    """What two processes have of the same database."""
    databases = [open_database(url) for _ in range(2)]
    async with databases[0].writer.begin() as connection:
        await connection.run_sync(toy.metadata.drop_all)
        await connection.run_sync(toy.metadata.create_all)
    yield databases
    for database in databases:
        await database.close()


async def relayed(databases: list[Database], subscription: type[Subscription]) -> tuple[dict[str, int], list[Counted]]:
    """Every effect's count, and the events in the order in which they had them."""
    order, meeting = list[Counted](), asyncio.Barrier(2)
    await emit(databases[0])

    def relay_on(database: Database) -> Relay:
        kit, bus = make_kit("toy", database, toy.platform_tables, FakeClock(), []), InProcessBus(Metrics())
        uow = kit.unit_of_work(SqlToyTransaction)

        async def note(event: Counted) -> None:
            async with uow() as tx:
                await tx.count(f"{event.value}", 1)
                order.append(event)  # the next of its aggregate comes after the commit, in either process

        consumer = on(Counted, "toy.note", note, lambda event: event)
        bus.subscribe([subscription(consumer, kit.run, DeadLetters(database, kit.tables, kit.clock))])
        relay = MeetingRelay("toy", database, kit.tables, bus, kit.clock, Metrics())
        relay.meeting = meeting
        return relay

    await asyncio.gather(*(relay_on(database).drained() for database in databases))
    async with databases[0].read() as connection:
        rows = await connection.execute(select(toy.counters.c.name, toy.counters.c.value))
        return {row.name: row.value for row in rows}, order


async def emit(database: Database) -> None:
    kit = make_kit("toy", database, toy.platform_tables, FakeClock(), [])
    keys = [new_id() for _ in range(AGGREGATES)]
    async with kit.unit_of_work(SqlToyTransaction)() as tx:
        for number in range(EVENTS):
            tx.publish(Counted(counter_id=keys[number % AGGREGATES], value=number))


async def test_each_effect_comes_once_and_in_order(engine_url: str) -> None:
    async with processes(engine_url) as databases:
        effects, order = await relayed(databases, Subscription)
    assert Counter(effects.values()) == {1: EVENTS}
    lanes: dict[UUID, list[int]] = defaultdict(list)
    for event in dict.fromkeys(order):  # a lost race is run again
        lanes[event.counter_id].append(event.value)
    assert all(lane == sorted(lane) for lane in lanes.values())


async def test_negative_control_without_the_inbox_they_come_twice(engine_url: str) -> None:
    async with processes(engine_url) as databases:
        effects, _ = await relayed(databases, WithoutInbox)
    assert Counter(effects.values()) == {2: EVENTS}
