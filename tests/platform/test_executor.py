"""The executor's promises: retry, Idempotency-Key, inbox."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest

from caddy_shopping.kernel.errors import ConcurrentChange, Conflict, NotFound, ShopError, Unavailable
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.idempotency import LEASE, IdempotencyKey, IdempotencyKeyReused, RequestInFlight
from caddy_shopping.platform.execution import Rendered
from caddy_shopping.platform.executor import operation_of
from tests.support.database import Bench
from tests.support.toy import Count, Counter, CountHandler, SqlToyTransaction

ValueOf = Callable[[str], Awaitable[int | None]]


def handler(bench: Bench, fault: Exception | None = None) -> CountHandler:
    return CountHandler(bench.kit.unit_of_work(SqlToyTransaction), fault)


def a_key(key: str = "k1", payload: bytes = b"payload") -> IdempotencyKey:
    return IdempotencyKey("buyer:POST /count", key, hashlib.sha256(payload).digest())


def render(answer: Counter) -> Rendered:
    return Rendered(201, {"location": f"/counters/{answer.name}"}, msgspec.json.encode(answer))


def render_error(error: ShopError) -> Rendered:
    return Rendered(409, {}, error.code.encode())


async def once(bench: Bench, use: Callable[[Count], Awaitable[Counter]], key: IdempotencyKey) -> Rendered:
    return await bench.kit.run.once(key, use, Count(), render, render_error)


async def test_an_effect_and_its_event_commit_together(bench: Bench, value_of: ValueOf) -> None:
    assert (await bench.kit.run(handler(bench), Count(by=3))).value == 3
    assert await value_of("a") == 3
    assert [kind for kind, _ in await bench.outbox()] == ["Counted"]
    assert len(bench.wakes) == 1


async def test_a_fault_in_the_transaction_leaves_neither(bench: Bench, value_of: ValueOf) -> None:
    with pytest.raises(ZeroDivisionError):
        await bench.kit.run(handler(bench, ZeroDivisionError()), Count())
    assert await value_of("a") is None
    assert await bench.outbox() == []
    assert bench.wakes == []


class Flaky:
    def __init__(self, use: CountHandler, faults: list[Exception]) -> None:
        self.use, self.faults, self.calls = use, faults, 0

    async def __call__(self, command: Count) -> Counter:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        return await self.use(command)


async def test_a_lost_race_is_run_again(bench: Bench) -> None:
    flaky = Flaky(handler(bench), [ConcurrentChange(), ConcurrentChange()])
    assert (await bench.kit.run(flaky, Count())).value == 1
    assert flaky.calls == 3


async def test_in_company_a_lost_race_is_left_to_the_next_try(bench: Bench, value_of: ValueOf) -> None:
    flaky = Flaky(handler(bench), [ConcurrentChange()])
    assert not await bench.kit.run.consume_together("toy.a", new_id(), flaky, Count())
    assert (flaky.calls, await value_of("a")) == (1, None)


@pytest.mark.parametrize("step", ["claim", "keep", "give_back"])
async def test_a_race_lost_at_the_key_is_run_again(bench: Bench, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a deadlock between fifty that send one key at once."""
    keys, faults = bench.kit.run._keys, [ConcurrentChange(), ConcurrentChange()]
    real = getattr(keys, step)

    async def losing(*given: object) -> object:
        if faults:
            raise faults.pop()
        return await real(*given)

    monkeypatch.setattr(keys, step, losing)
    fault: Exception | None = {"keep": NotFound(), "give_back": ZeroDivisionError()}.get(step)
    if step == "give_back":
        with pytest.raises(ZeroDivisionError):
            await once(bench, handler(bench, fault), a_key())
    else:
        assert (await once(bench, handler(bench, fault), a_key())).status == (409 if fault else 201)
    assert faults == []


async def test_the_number_of_tries_is_bounded(bench: Bench) -> None:
    flaky = Flaky(handler(bench), [ConcurrentChange() for _ in range(99)])
    with pytest.raises(ConcurrentChange):
        await bench.kit.run(flaky, Count())
    assert flaky.calls == 5


async def test_a_refusal_is_not_tried_again(bench: Bench) -> None:
    flaky = Flaky(handler(bench), [NotFound()])
    with pytest.raises(NotFound):
        await bench.kit.run(flaky, Count())
    assert flaky.calls == 1


async def test_the_same_key_has_one_effect_and_one_answer(bench: Bench, value_of: ValueOf) -> None:
    first = await once(bench, handler(bench), a_key())
    second = await once(bench, handler(bench), a_key())
    assert first == second
    assert first.status == 201
    assert await value_of("a") == 1
    # Negative control: another key is another effect.
    await once(bench, handler(bench), a_key("k2"))
    assert await value_of("a") == 2


async def test_fifty_at_once_have_one_effect(bench: Bench, value_of: ValueOf) -> None:
    answers = await asyncio.gather(*(once(bench, handler(bench), a_key()) for _ in range(50)), return_exceptions=True)
    bodies = {answer.body for answer in answers if isinstance(answer, Rendered)}
    others = {type(answer) for answer in answers if not isinstance(answer, Rendered)}
    assert len(bodies) == 1
    assert others <= {RequestInFlight}
    assert await value_of("a") == 1


async def test_another_payload_under_the_same_key_is_refused(bench: Bench, value_of: ValueOf) -> None:
    await once(bench, handler(bench), a_key())
    with pytest.raises(IdempotencyKeyReused):
        await once(bench, handler(bench), a_key(payload=b"other"))
    assert await value_of("a") == 1


async def test_a_refusal_is_kept_and_replayed(bench: Bench, value_of: ValueOf) -> None:
    class Refused(Conflict):
        code = "TOY_REFUSED"
        en = "no"
        zh = "不"

    refused = await once(bench, handler(bench, Refused()), a_key())
    assert refused.body == b"TOY_REFUSED"
    assert await once(bench, handler(bench), a_key()) == refused
    assert await value_of("a") is None


@pytest.mark.parametrize("fault", [ZeroDivisionError(), Unavailable(retry_after=1), asyncio.CancelledError()])
async def test_a_fault_on_our_side_gives_the_key_back(bench: Bench, value_of: ValueOf, fault: Exception) -> None:
    with pytest.raises(type(fault)):
        await once(bench, handler(bench, fault), a_key())
    assert (await once(bench, handler(bench), a_key())).status == 201
    assert await value_of("a") == 1


async def test_a_key_in_flight_is_refused_until_its_lease_is_over(bench: Bench, value_of: ValueOf) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def paused(command: Count) -> Counter:
        started.set()
        await go_on.wait()
        return await handler(bench)(command)

    late = asyncio.create_task(once(bench, paused, a_key()))
    await started.wait()
    with pytest.raises(RequestInFlight):
        await once(bench, handler(bench), a_key())
    bench.clock.advance(LEASE + timedelta(seconds=1))
    taken_over = await once(bench, handler(bench), a_key())
    go_on.set()
    # The first holder comes back after its lease: its write is fenced off, its answer never counts.
    with pytest.raises(RequestInFlight):
        await late
    assert await value_of("a") == 1
    assert await once(bench, handler(bench), a_key()) == taken_over


async def test_a_refusal_after_the_lease_is_nobody_s_answer(bench: Bench, value_of: ValueOf) -> None:
    """Otherwise two callers with one key would hear two different answers."""
    started, go_on = asyncio.Event(), asyncio.Event()

    async def refused_late(command: Count) -> Counter:
        started.set()
        await go_on.wait()
        raise NotFound()

    late = asyncio.create_task(once(bench, refused_late, a_key()))
    await started.wait()
    bench.clock.advance(LEASE + timedelta(seconds=1))
    taken_over = await once(bench, handler(bench), a_key())
    go_on.set()
    with pytest.raises(RequestInFlight):
        await late
    assert await once(bench, handler(bench), a_key()) == taken_over
    assert await value_of("a") == 1


async def test_an_event_has_its_effect_once(bench: Bench, value_of: ValueOf) -> None:
    event_id = new_id()
    assert await bench.kit.run.consume("toy.count", event_id, handler(bench), Count()) is True
    assert await bench.kit.run.consume("toy.count", event_id, handler(bench), Count()) is False
    assert await value_of("a") == 1
    # Negative control: another consumer, another inbox.
    assert await bench.kit.run.consume("toy.other", event_id, handler(bench), Count()) is True
    assert await value_of("a") == 2


async def test_a_failed_reaction_leaves_no_inbox_row(bench: Bench, value_of: ValueOf) -> None:
    event_id = new_id()
    with pytest.raises(ZeroDivisionError):
        await bench.kit.run.consume("toy.count", event_id, handler(bench, ZeroDivisionError()), Count())
    assert await bench.kit.run.consume("toy.count", event_id, handler(bench), Count()) is True
    assert await value_of("a") == 1


def test_operations_are_named_after_their_commands() -> None:
    class PlaceOrderNow:
        pass

    assert operation_of(PlaceOrderNow()) == "place_order_now"
