"""What every bus must do, in one process or over a broker: nothing lost, in order per aggregate, effect once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from caddy_shopping.kernel.errors import NotFound, Unavailable
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.events import reactions
from caddy_shopping.platform.events.bus import EventBus, InProcessBus
from caddy_shopping.platform.events.consumer import on
from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.kafka.bus import KafkaBus
from caddy_shopping.platform.events.reactions import Subscription
from caddy_shopping.platform.events.relay import Relay
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.support import toy
from tests.support.brokers import BROKERS
from tests.support.database import Bench
from tests.support.kafka_of_this_run import BROKERS_OF_THIS_RUN
from tests.support.toy import Counted, SqlToyTransaction

IN_PROCESS = "in process"
Handler = Callable[[Counted], Awaitable[object]]


class Line:
    """An outbox, its relay, a bus, and one consumer, which counts each event under a name of its own."""

    def __init__(self, bench: Bench, make_bus: Callable[[Metrics], EventBus], *, together: bool = False) -> None:
        self.bench = bench
        self.metrics = Metrics()
        self.uow = bench.kit.unit_of_work(SqlToyTransaction)
        self.order: list[tuple[UUID, int]] = []
        self.faults: dict[int, list[Exception]] = {}
        """What happens before its transaction to the reaction to an event of this value, at each try in turn."""
        self.late_faults: dict[int, list[Exception]] = {}
        """And what happens in it."""
        self.letters = DeadLetters(bench.kit.database, bench.kit.tables, bench.clock)
        self.bus = make_bus(self.metrics)
        consumer = on(Counted, "toy.note", self.note, lambda event: event, together=together)
        self.bus.subscribe([Subscription(consumer, bench.kit.run, self.bus.graveyard(self.letters))])
        self.relay = Relay("toy", bench.kit.database, bench.kit.tables, self.bus, bench.clock, self.metrics)

    async def note(self, event: Counted) -> None:
        if faults := self.faults.get(event.value):
            raise faults.pop(0)
        async with self.uow() as tx:
            await tx.count(f"{event.counter_id}"[-12:] + f" {event.value}", 1)
            if faults := self.late_faults.get(event.value):
                raise faults.pop(0)
        self.order.append((event.counter_id, event.value))

    async def start(self) -> None:
        await self.bus.start(consume=True)
        self.relay.start()

    async def stop(self) -> None:
        await self.bus.leave()
        self.bus.stop()
        await self.relay.stop()
        await self.bus.close()

    async def emit(self, *events: tuple[UUID, int]) -> None:
        async with self.uow() as tx:
            for key, value in events:
                tx.publish(Counted(counter_id=key, value=value))
        self.relay.wake()

    async def effects(self) -> list[int]:
        async with self.bench.kit.database.read() as connection:
            return list((await connection.execute(select(toy.counters.c.value))).scalars())

    async def until(self, effects: int) -> None:
        async with asyncio.timeout(30):
            while len(self.order) < effects:
                await asyncio.sleep(0.02)

    async def publish_again(self) -> None:
        """What a kill between the bus and the mark leaves: rows that say they were not published."""
        async with asyncio.timeout(30):
            while await self.relay.backlog():
                await asyncio.sleep(0.02)
        async with self.bench.kit.database.writer.begin() as connection:
            await connection.execute(self.bench.kit.tables.outbox.update().values(published_at=None))
        self.relay.wake()

    async def until_counted(self, status: str, times: int) -> None:
        async with asyncio.timeout(30):
            while self.counted(status) < times:
                await asyncio.sleep(0.02)

    def counted(self, status: str) -> float:
        labels = {"consumer": "toy.note", "status": status}
        return self.metrics.registry.get_sample_value("events_delivered_total", labels) or 0


@pytest.fixture(params=[IN_PROCESS, *BROKERS])
def make_bus(request: pytest.FixtureRequest) -> Callable[[Metrics], EventBus]:
    """Each call makes the bus of one process; all of a test belong together."""
    if request.param == IN_PROCESS:
        return InProcessBus
    cluster = BROKERS_OF_THIS_RUN.new_cluster(request.param)
    return lambda metrics: KafkaBus(cluster, ["toy"], metrics)


@pytest.fixture(params=[False, True], ids=["each in its transaction", "together"])
async def line(
    request: pytest.FixtureRequest, bench: Bench, make_bus: Callable[[Metrics], EventBus]
) -> AsyncIterator[Line]:
    made = Line(bench, make_bus, together=request.param)
    await made.start()
    yield made
    await made.stop()


async def test_each_event_has_its_effect_once_and_in_order(line: Line) -> None:
    keys = [new_id() for _ in range(5)]
    events = [(keys[number % 5], number) for number in range(200)]
    await line.emit(*events)
    await line.until(200)
    assert set(await line.effects()) == {1}
    for key in keys:
        assert [event for event in line.order if event[0] == key] == [event for event in events if event[0] == key]


async def test_a_reaction_that_is_tried_again_holds_up_its_own_aggregate_alone(line: Line) -> None:
    slow, quick = new_id(), new_id()
    line.faults[1] = [Unavailable(retry_after=1) for _ in range(3)]
    await line.emit((slow, 1), (slow, 2), *((quick, value) for value in range(3, 20)))
    await line.until(19)
    of_slow = [value for key, value in line.order if key == slow]
    assert of_slow == [1, 2]
    assert line.order.index((quick, 19)) < line.order.index((slow, 1))
    assert line.counted("retried") == 3


async def test_a_poison_event_becomes_a_dead_letter_and_the_next_goes_on(line: Line) -> None:
    key = new_id()
    line.faults[1] = [NotFound()]
    await line.emit((key, 1), (key, 2))
    await line.until(1)
    assert line.order == [(key, 2)]
    (letter,) = await line.letters.all()
    assert (letter.consumer, letter.envelope.key) == ("toy.note", key)
    assert letter.error.startswith("NotFound")


async def test_a_poison_event_in_company_dies_alone(line: Line) -> None:
    """All of these arrive at once; one breaks after its effect was written, each time."""
    line.late_faults[7] = [RuntimeError("boom") for _ in range(20)]
    await line.emit(*((new_id(), value) for value in range(40)))
    await line.until(39)
    await line.until_counted("dead", 1)
    assert sorted(value for _, value in line.order) == [value for value in range(40) if value != 7]
    assert await line.effects() == [1] * 39
    (letter,) = await line.letters.all()
    assert (letter.attempts, letter.error) == (len(reactions.AFTER_A_FAULT) + 1, "RuntimeError: boom")


async def test_what_is_published_again_changes_nothing(line: Line) -> None:
    key = new_id()
    await line.emit(*((key, value) for value in range(10)))
    await line.until(10)
    for time in (1, 2):
        await line.publish_again()
        await line.until_counted("duplicate", 10 * time)
    assert set(await line.effects()) == {1}
    # Negative control: without the inbox the effect would come twice.
    async with line.bench.kit.database.writer.begin() as connection:
        await connection.execute(line.bench.kit.tables.inbox.delete())
    await line.publish_again()
    await line.until(20)
    assert set(await line.effects()) == {2}


async def test_a_stop_waits_for_no_other_try_and_the_next_process_goes_on(
    line: Line, make_bus: Callable[[Metrics], EventBus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "WHILE_UNAVAILABLE", (60.0,))
    key = new_id()
    line.faults[1] = [Unavailable(retry_after=1)]
    await line.emit((key, 0), (key, 1), (key, 2))
    await line.until_counted("retried", 1)
    async with asyncio.timeout(10):
        await line.stop()
    assert line.order == [(key, 0)]
    after = Line(line.bench, make_bus)
    await after.start()
    await after.until(2)
    await after.stop()
    assert after.order == [(key, 1), (key, 2)]
    assert await line.letters.all() == []
