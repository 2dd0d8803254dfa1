"""Outbox → relay → bus → inbox: nothing lost, in order, effect once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select

from caddy_shopping.kernel.errors import NotFound, Unavailable
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.events import reactions, relay
from caddy_shopping.platform.events.bus import InProcessBus
from caddy_shopping.platform.events.consumer import on
from caddy_shopping.platform.events.dead_letters import DeadLetterNotFound, DeadLetters
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.reactions import AFTER_A_FAULT, WHILE_UNAVAILABLE, Subscription
from caddy_shopping.platform.events.relay import Relay
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.support.database import Bench
from tests.support.toy import Count, Counted, CountHandler, SqlToyTransaction

ValueOf = Callable[[str], Awaitable[int | None]]


class Line:
    """A relay with one consumer that copies counter `a` into counter `b`."""

    def __init__(self, bench: Bench, faults: list[Exception] | None = None) -> None:
        self.bench = bench
        self.uow = bench.kit.unit_of_work(SqlToyTransaction)
        self.faults = faults or []
        self.seen: list[int] = []
        self.metrics = Metrics()
        self.dead_letters = DeadLetters(bench.kit.database, bench.kit.tables, bench.clock)
        self.bus = InProcessBus(self.metrics)
        consumer = on(Counted, "toy.copy", self.copy, lambda event: Count(name="b", by=event.value))
        self.bus.subscribe([Subscription(consumer, bench.kit.run, self.dead_letters)])
        self.relay = Relay("toy", bench.kit.database, bench.kit.tables, self.bus, bench.clock, self.metrics)

    async def copy(self, command: Count) -> None:
        if self.faults:
            raise self.faults.pop(0)
        async with self.uow() as tx:
            await tx.count(command.name, command.by)
        self.seen.append(command.by)

    async def emit(self, by: int = 1) -> None:
        await self.bench.kit.run(CountHandler(self.uow), Count(by=by))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two tries passes no time to speak of."""
    monkeypatch.setattr(reactions, "AFTER_A_FAULT", (0.001,) * len(AFTER_A_FAULT))
    monkeypatch.setattr(reactions, "WHILE_UNAVAILABLE", (0.001,) * len(WHILE_UNAVAILABLE))
    monkeypatch.setattr(relay, "POLL", 0.01)


def retried(line: Line) -> float:
    return (
        line.metrics.registry.get_sample_value("events_delivered_total", {"consumer": "toy.copy", "status": "retried"})
        or 0
    )


async def test_an_event_reaches_its_consumer_and_leaves_the_outbox(bench: Bench, value_of: ValueOf) -> None:
    line = Line(bench)
    await line.emit(5)
    assert await line.relay.backlog() == 1
    await line.relay.drained()
    assert await value_of("b") == 5
    assert await line.relay.backlog() == 0


async def test_one_aggregate_s_events_keep_their_order(bench: Bench) -> None:
    line = Line(bench, [RuntimeError(), RuntimeError()])
    for _ in range(10):
        await line.emit()
    await line.relay.drained()
    assert line.seen == list(range(1, 11))
    assert retried(line) == 2


async def test_redelivery_after_a_crash_changes_nothing(bench: Bench, value_of: ValueOf) -> None:
    """The row is unmarked again: exactly what a kill between the effect and the mark leaves."""
    line = Line(bench)
    await line.emit(5)
    await line.relay.drained()
    async with bench.kit.database.writer.begin() as connection:
        await connection.execute(bench.kit.tables.outbox.update().values(published_at=None))
    again = Line(bench)
    await again.relay.drained()
    assert await value_of("b") == 5
    # Negative control: without the inbox row the effect would come twice.
    async with bench.kit.database.writer.begin() as connection:
        await connection.execute(bench.kit.tables.outbox.update().values(published_at=None))
        await connection.execute(bench.kit.tables.inbox.delete())
    await Line(bench).relay.drained()
    assert await value_of("b") == 10


async def test_a_refused_event_becomes_a_dead_letter_with_its_error(bench: Bench) -> None:
    line = Line(bench, [NotFound()])
    await line.emit()
    await line.emit()
    await line.relay.drained()
    assert line.seen == [2]
    (letter,) = await line.dead_letters.all()
    assert letter.consumer == "toy.copy"
    assert letter.error.startswith("NotFound")
    assert letter.envelope.open(Counted).value == 1
    assert await line.dead_letters.get("toy.copy", letter.envelope.event_id) == letter
    await line.dead_letters.add("toy.copy", letter.envelope, NotFound(), 1)
    await line.dead_letters.remove("toy.copy", letter.envelope.event_id)
    with pytest.raises(DeadLetterNotFound):
        await line.dead_letters.get("toy.copy", letter.envelope.event_id)


async def test_a_fault_is_tried_a_bounded_number_of_times(bench: Bench) -> None:
    line = Line(bench, [RuntimeError("boom") for _ in range(50)])
    await line.emit()
    await line.relay.drained()
    (letter,) = await line.dead_letters.all()
    assert letter.attempts == len(AFTER_A_FAULT) + 1


async def test_an_unreadable_payload_becomes_a_dead_letter(bench: Bench) -> None:
    line = Line(bench)
    await line.emit()
    async with bench.kit.database.writer.begin() as connection:
        await connection.execute(bench.kit.tables.outbox.update().values(payload=b"{}"))
    await line.relay.drained()
    (letter,) = await line.dead_letters.all()
    assert "counterId" in letter.error


async def test_a_running_relay_is_woken_and_stops_clean(bench: Bench, value_of: ValueOf) -> None:
    line = Line(bench)
    line.relay.start()
    for _ in range(3):
        await line.emit()
        line.relay.wake()
    async with asyncio.timeout(5):
        while await value_of("b") != 1 + 2 + 3:
            await asyncio.sleep(0.01)
    await line.relay.stop()
    assert await line.relay.backlog() == 0


async def test_a_slow_aggregate_does_not_hold_up_another(bench: Bench) -> None:
    gate, order = asyncio.Event(), list[UUID]()

    class Gated:
        async def publish(self, event: object) -> None:
            key = event.key  # type: ignore[attr-defined]
            if key == slow:
                await gate.wait()
            order.append(key)

    slow, quick = new_id(), new_id()
    relay = Relay("toy", bench.kit.database, bench.kit.tables, Gated(), bench.clock, Metrics())
    uow = bench.kit.unit_of_work(SqlToyTransaction)
    async with uow() as tx:
        for key in (slow, slow, quick):
            tx.publish(Counted(counter_id=key, value=1))
    relay.start()
    async with asyncio.timeout(5):
        while order != [quick]:
            await asyncio.sleep(0.01)
    gate.set()
    await relay.stop()
    assert order[0] == quick


async def test_events_carry_version_key_and_schema(bench: Bench) -> None:
    line = Line(bench)
    await line.emit(7)
    table = bench.kit.tables.outbox
    async with bench.kit.database.read() as connection:
        row = (await connection.execute(select(table))).one()
    assert row.schema_version == 1
    assert msgspec.json.decode(row.payload) == {"counterId": str(row.event_key), "value": 7}


class Grave:
    """A bus that fails until it is told to work: neither handled nor buried."""

    def __init__(self) -> None:
        self.broken = True
        self.delivered: list[tuple[UUID, int]] = []

    async def publish(self, event: Envelope) -> None:
        if self.broken:
            raise RuntimeError("the database is away")
        self.delivered.append((event.key, event.open(Counted).value))


async def _publish(bench: Bench, *events: Counted) -> None:
    async with bench.kit.unit_of_work(SqlToyTransaction)() as tx:
        for event in events:
            tx.publish(event)


async def test_what_could_not_be_delivered_stays_first_in_its_lane(bench: Bench) -> None:
    key, grave = new_id(), Grave()
    line = Relay("toy", bench.kit.database, bench.kit.tables, grave, bench.clock, Metrics())
    await _publish(bench, *(Counted(counter_id=key, value=value) for value in range(3)))
    line.start()
    await asyncio.sleep(0.05)
    await _publish(bench, Counted(counter_id=key, value=3))
    line.wake()
    await asyncio.sleep(0.05)
    grave.broken = False
    async with asyncio.timeout(5):
        while len(grave.delivered) < 4:
            await asyncio.sleep(0.01)
    assert grave.delivered == [(key, value) for value in range(4)]
    await line.stop()
    assert await line.backlog() == 0


async def test_one_stuck_aggregate_does_not_fill_the_window(bench: Bench) -> None:
    stuck, other, gate, seen = new_id(), new_id(), asyncio.Event(), asyncio.Event()

    class Half:
        async def publish(self, event: Envelope) -> None:
            if event.key == stuck:
                await gate.wait()
            else:
                seen.set()

    line = Relay("toy", bench.kit.database, bench.kit.tables, Half(), bench.clock, Metrics())
    await _publish(bench, *(Counted(counter_id=stuck, value=value) for value in range(3 * relay.IN_FLIGHT)))
    line.start()
    await asyncio.sleep(0.05)
    await _publish(bench, Counted(counter_id=other, value=1))
    line.wake()
    async with asyncio.timeout(5):
        await seen.wait()
    gate.set()
    await line.stop()


async def test_a_stop_does_not_wait_for_another_try_and_loses_nothing(
    bench: Bench, value_of: ValueOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "WHILE_UNAVAILABLE", (60.0,))
    line = Line(bench, [Unavailable(retry_after=1)])
    await line.emit(5)
    line.relay.start()
    async with asyncio.timeout(5):
        while retried(line) == 0:
            await asyncio.sleep(0.01)
    line.bus.stop()
    async with asyncio.timeout(2):
        await line.relay.stop()
    assert await line.relay.backlog() == 1
    assert await line.dead_letters.all() == []
    await Line(bench).relay.drained()
    assert await value_of("b") == 5


class SlowMarks(Relay):
    """A relay whose marks wait for a gate."""

    gate: asyncio.Event

    async def _mark(self) -> None:
        await self.gate.wait()
        await super()._mark()


async def test_a_new_event_does_not_wait_for_the_marks_of_others(bench: Bench) -> None:
    grave = Grave()
    grave.broken = False
    line = SlowMarks("toy", bench.kit.database, bench.kit.tables, grave, bench.clock, Metrics())
    line.gate = asyncio.Event()
    line.start()
    for value in range(3):
        await _publish(bench, Counted(counter_id=new_id(), value=value))
        line.wake()
        await asyncio.sleep(1.5 * relay.MARK_AFTER)
    assert [value for _, value in grave.delivered] == [0, 1, 2]
    line.gate.set()
    await line.stop()
    assert await line.backlog() == 0


async def test_what_is_marked_while_the_outbox_is_read_is_not_new(bench: Bench) -> None:
    grave = Grave()
    grave.broken = False

    class Meanwhile(Relay):
        async def _fetch(self) -> list[Envelope]:
            glance = bench.kit.database.glance

            def slow() -> Any:
                return Late(glance(), self)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(bench.kit.database, "glance", slow)
                return await super()._fetch()

    line = Meanwhile("toy", bench.kit.database, bench.kit.tables, grave, bench.clock, Metrics())
    await _publish(bench, *(Counted(counter_id=new_id(), value=value) for value in range(5)))
    await line._turn()
    await asyncio.sleep(0.01)
    assert len(line._done) == 5
    await line._turn()
    await line.drained()
    assert len(grave.delivered) == 5


class Late:
    """A look at the database whose answer arrives after all that is done was marked."""

    def __init__(self, glance: Any, line: Relay) -> None:
        self._glance, self._line = glance, line

    async def __aenter__(self) -> "Late":
        await self._glance.__aenter__()
        return self

    async def __aexit__(self, *fault: Any) -> None:
        await self._glance.__aexit__(*fault)

    async def run(self, *statement: Any) -> Any:
        rows = await self._glance.run(*statement)
        await self._line._mark()
        return rows
