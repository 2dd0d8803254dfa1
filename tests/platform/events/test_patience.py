"""Where each process relays what it commits: what another committed is left to it, but not for ever, and in order."""

from datetime import timedelta
from uuid import UUID

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.relay import IMPATIENT, OTHERS_FIRST, Relay
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.support.database import Bench
from tests.support.toy import Counted, SqlToyTransaction

JUST_BEFORE = OTHERS_FIRST - timedelta(milliseconds=1)


class Heard:
    """A bus that notes."""

    def __init__(self) -> None:
        self.events: list[int] = []

    async def publish(self, event: Envelope) -> None:
        self.events.append(event.open(Counted).value)


def relay_of(bench: Bench, patience: timedelta = OTHERS_FIRST) -> tuple[Relay, Heard]:
    heard = Heard()
    return Relay("toy", bench.kit.database, bench.kit.tables, heard, bench.clock, Metrics(), patience), heard


async def emit(bench: Bench, *events: tuple[UUID, int]) -> None:
    async with bench.kit.unit_of_work(SqlToyTransaction)() as tx:
        for key, value in events:
            tx.publish(Counted(counter_id=key, value=value))


async def test_what_was_committed_here_goes_at_once_and_the_rest_later(bench: Bench) -> None:
    relay, heard = relay_of(bench)
    ours, theirs = new_id(), new_id()
    await emit(bench, (theirs, 1), (ours, 2), (ours, 3))
    relay.wake([ours])
    await relay.drained()
    assert heard.events == [2, 3]
    bench.clock.advance(JUST_BEFORE)
    await relay.drained()
    assert heard.events == [2, 3]
    bench.clock.advance(timedelta(milliseconds=1))
    await relay.drained()
    assert heard.events == [2, 3, 1]


async def test_negative_control_without_patience_all_goes_at_once(bench: Bench) -> None:
    relay, heard = relay_of(bench, IMPATIENT)
    await emit(bench, (new_id(), 1), (new_id(), 2))
    await relay.drained()
    assert heard.events == [1, 2]


async def test_what_another_committed_before_on_the_same_aggregate_goes_first(bench: Bench) -> None:
    relay, heard = relay_of(bench)
    key = new_id()
    await emit(bench, (key, 1))
    await emit(bench, (key, 2))
    relay.wake([key])
    await relay.drained()
    assert heard.events == [1, 2]


async def test_a_clock_that_is_behind_lets_no_event_overtake(bench: Bench) -> None:
    """The second event looks old enough, the first does not: neither goes before the first may."""
    relay, heard = relay_of(bench)
    key = new_id()
    await emit(bench, (key, 1))
    bench.clock.advance(-OTHERS_FIRST)
    await emit(bench, (key, 2))
    bench.clock.advance(OTHERS_FIRST)
    await relay.drained()
    assert heard.events == []
    bench.clock.advance(OTHERS_FIRST)
    await relay.drained()
    assert heard.events == [1, 2]


async def test_what_found_no_room_is_still_ours(bench: Bench) -> None:
    """A lane takes twenty at a time; the others of the aggregate follow without waiting for their age."""
    relay, heard = relay_of(bench)
    key = new_id()
    await emit(bench, *((key, value) for value in range(70)))
    relay.wake([key])
    await relay.drained()
    assert heard.events == list(range(70))
