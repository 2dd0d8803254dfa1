"""Outbox → relay → bus → inbox: nothing lost, in order, effect once."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select

from caddy_shopping.kernel.errors import NotFound
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.events.bus import InProcessBus, Subscription
from caddy_shopping.platform.events.consumer import on
from caddy_shopping.platform.events.dead_letters import DeadLetterNotFound, DeadLetters
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
        self.pauses: list[float] = []
        self.metrics = Metrics()
        self.dead_letters = DeadLetters(bench.kit.database, bench.kit.tables, bench.clock)
        self.bus = InProcessBus(self.metrics, self.sleep)
        consumer = on(Counted, "toy.copy", self.copy, lambda event: Count(name="b", by=event.value))
        self.bus.subscribe([Subscription(consumer, bench.kit.run, self.dead_letters)])
        self.relay = Relay("toy", bench.kit.database, bench.kit.tables, self.bus, bench.clock, self.metrics)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def copy(self, command: Count) -> None:
        if self.faults:
            raise self.faults.pop(0)
        async with self.uow() as tx:
            await tx.count(command.name, command.by)
        self.seen.append(command.by)

    async def emit(self, by: int = 1) -> None:
        await self.bench.kit.run(CountHandler(self.uow), Count(by=by))


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
    assert len(line.pauses) == 2


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
    assert letter.attempts == 6
    assert len(line.pauses) == 5


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
