"""One trace from the use case to the reactions that its event causes, whatever carries the event."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
import pytest

from caddy_shopping.kernel.errors import Conflict, Unavailable
from caddy_shopping.platform.db import unit_of_work
from caddy_shopping.platform.events import reactions
from caddy_shopping.platform.events.bus import EventBus, InProcessBus, TracedBus
from caddy_shopping.platform.events.consumer import on
from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.kafka.bus import KafkaBus
from caddy_shopping.platform.events.reactions import Subscription
from caddy_shopping.platform.events.relay import Relay
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.spans import Kind, Spans
from tests.support.brokers import BROKERS
from tests.support.collector import Seen, path_to, roots
from tests.support.database import Bench
from tests.support.kafka_of_this_run import BROKERS_OF_THIS_RUN
from tests.support.toy import Count, Counted, CountHandler, SqlToyTransaction
from tests.support.traced import Traced, tracing

IN_PROCESS = "in process"
WAY = ["POST /count", "count", "send toy", "process toy", "note"]


class Note(msgspec.Struct, frozen=True):
    counter: UUID


@dataclass
class Line:
    """A use case, its outbox and relay, a bus, and a consumer that meets `faults`, one at each try."""

    spans: Spans | None
    run: Executor
    relay: Relay
    bus: EventBus
    count: CountHandler
    metrics: Metrics
    faults: list[Exception] = field(default_factory=list)

    async def note(self, command: Note) -> None:
        if self.faults:
            raise self.faults.pop(0)
        async with self.count.uow() as tx:
            await tx.count(str(command.counter)[-12:], 1)

    async def request(self) -> None:
        """What an HTTP request would cause, until its event was taken."""
        if self.spans is None:
            await self.run(self.count, Count())
        else:
            with self.spans.span("POST /count", Kind.SERVER):
                await self.run(self.count, Count())
        self.relay.wake()

    async def taken(self, status: str = "handled", times: int = 1) -> None:
        labels = {"consumer": "toy.note", "status": status}
        async with asyncio.timeout(30):
            while (self.metrics.registry.get_sample_value("events_delivered_total", labels) or 0) < times:
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        await self.bus.leave()
        self.bus.stop()
        await self.relay.stop()
        await self.bus.close()


MakeLine = Callable[..., Awaitable[Line]]


@pytest.fixture
async def traced() -> AsyncIterator[Traced]:
    async with tracing() as running:
        yield running


@pytest.fixture(params=[IN_PROCESS, *BROKERS])
async def make_line(request: pytest.FixtureRequest, bench: Bench) -> AsyncIterator[MakeLine]:
    made: list[Line] = []

    async def make(spans: Spans | None, *, together: bool = False) -> Line:
        metrics, kit = Metrics(), bench.kit
        run = Executor("toy", kit.database, kit.tables, bench.clock, metrics, spans=spans)
        bus: EventBus = InProcessBus(metrics, spans)
        if request.param != IN_PROCESS:
            bus = KafkaBus(BROKERS_OF_THIS_RUN.new_cluster(request.param), ["toy"], metrics, spans=spans)
        way = bus if spans is None else TracedBus(bus, spans)
        relay = Relay("toy", kit.database, kit.tables, way, bench.clock, metrics)
        line = Line(spans, run, relay, bus, CountHandler(kit.unit_of_work(SqlToyTransaction)), metrics)
        consumer = on(Counted, "toy.note", line.note, lambda event: Note(event.counter_id), together=together)
        bus.subscribe([Subscription(consumer, run, bus.graveyard(DeadLetters(kit.database, kit.tables, bench.clock)))])
        await bus.start(consume=True)
        relay.start()
        made.append(line)
        return line

    yield make
    for line in made:
        await line.stop()


async def ended(line: Line, traced: Traced) -> list[Seen]:
    """All spans, by the time at which they ended."""
    await line.stop()
    return await traced.sent()


@pytest.mark.parametrize("together", [False, True], ids=["each in its transaction", "together"])
async def test_it_is_one_tree(make_line: MakeLine, traced: Traced, together: bool) -> None:
    line = await make_line(traced.spans, together=together)
    await line.request()
    await line.taken()
    spans = await ended(line, traced)
    assert len({span.trace for span in spans}) == 1
    assert [span.name for span in roots(spans)] == ["POST /count"]
    (note,) = [span for span in spans if span.name == "note"]
    assert path_to(note, spans) == WAY
    assert [span.kind for span in spans if span.name == "count"] == ["internal"]
    assert not any(span.failed for span in spans)


async def test_events_are_named_and_not_opened(make_line: MakeLine, traced: Traced) -> None:
    line = await make_line(traced.spans)
    await line.request()
    await line.taken()
    spans = {span.name: span for span in await ended(line, traced)}
    sent, processed = spans["send toy"], spans["process toy"]
    assert (sent.kind, processed.kind) == ("producer", "consumer")
    assert sent.notes | {"messaging.operation.name": "", "messaging.operation.type": ""} == {
        "messaging.system": "in_process" if isinstance(line.bus, InProcessBus) else "kafka",
        "messaging.operation.name": "",
        "messaging.operation.type": "",
        "messaging.destination.name": "toy",
        "messaging.message.id": processed.notes["messaging.message.id"],
        "shop.event.type": "Counted",
        "shop.event.key": processed.notes["shop.event.key"],
    }
    assert processed.notes["messaging.system"] == sent.notes["messaging.system"]
    assert processed.notes["messaging.operation.type"] == "process"
    assert processed.notes["messaging.destination.subscription.name"] == "toy.note"
    assert spans["note"].notes == {"shop.context": "toy"}


async def test_each_try_is_a_span_and_all_are_one_delivery(
    make_line: MakeLine, traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "WHILE_UNAVAILABLE", (0.01, 0.01))
    line = await make_line(traced.spans)
    line.faults = [Unavailable(retry_after=1), Unavailable(retry_after=1)]
    await line.request()
    await line.taken()
    spans = await ended(line, traced)
    assert [span.failed for span in spans if span.name == "note"] == [True, True, False]
    assert [span.failed for span in spans if span.name == "process toy"] == [False]


async def test_a_dead_letter_is_a_failed_delivery(make_line: MakeLine, traced: Traced) -> None:
    line = await make_line(traced.spans)
    line.faults = [Conflict()]
    await line.request()
    await line.taken("dead")
    (processed,) = [span for span in await ended(line, traced) if span.name == "process toy"]
    assert (processed.failed, processed.notes["error.type"]) == (True, "Conflict")


async def test_an_unsampled_request_stays_so_to_the_end(make_line: MakeLine) -> None:
    async with tracing(ratio=0.0) as traced:
        line = await make_line(traced.spans)
        await line.request()
        await line.taken()
        assert await ended(line, traced) == []


async def test_negative_control_an_event_that_forgets_its_trace_is_a_tree_of_its_own(
    make_line: MakeLine, traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_of_work, "traceparent", lambda: None)
    line = await make_line(traced.spans)
    await line.request()
    await line.taken()
    spans = await ended(line, traced)
    assert {span.name for span in roots(spans)} == {"POST /count", "send toy"}


async def test_off_it_goes_as_before(make_line: MakeLine) -> None:
    line = await make_line(None)
    await line.request()
    await line.taken()
