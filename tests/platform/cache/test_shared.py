"""Several processes on one Redis: what one changes the others see, what one loads the others have."""

import asyncio
from time import monotonic

from caddy_shopping.platform.cache.cache import EVERYTHING, Lifetime
from caddy_shopping.platform.cache.store import LEASE_MS, Store, Ticket
from tests.platform.cache.conftest import LONG, NewSide, Source
from tests.support.redis_server import RedisServer
from tests.support.shop import eventually


async def test_what_one_loads_the_others_have(new_side: NewSide) -> None:
    one, other, source = await new_side(), await new_side(), Source()
    await one.get(source)
    assert await other.get(source) == "old"
    assert source.loads == 1
    assert other.count("cache_lookups_total", level="redis", result="hit") == 1
    assert (await other.cache.stats()).shared == 1


async def test_what_one_forgets_all_forget(new_side: NewSide) -> None:
    one, other, source = await new_side(), await new_side(), Source()
    await one.get(source)
    await other.get(source)
    source.value = "new"
    one.cache.forget(["thing:1"])

    async def seen() -> bool:
        return await other.get(source) == "new"

    await eventually(seen)
    assert other.heard == [{"thing:1"}]
    assert one.heard == [{"thing:1"}], "it is not told its own news again"
    assert source.loads == 2


async def test_what_was_read_before_anothers_change_is_not_shared_after_it(new_side: NewSide) -> None:
    one, other, source = await new_side(), await new_side(), Source()
    source.gate.clear()
    early = asyncio.create_task(one.get(source))
    await source.begun.wait()
    source.value = "new"
    other.cache.forget(["things"])
    await eventually(lambda: _true(bool(one.heard)))
    source.gate.set()
    assert await early == "old"
    assert await other.get(source) == "new"
    assert await one.get(source) == "new"


async def test_one_process_loads_and_the_others_wait_for_it(new_side: NewSide) -> None:
    processes, source = [await new_side() for _ in range(3)], Source()
    source.gate.clear()
    asking = [asyncio.create_task(each.get(source)) for each in processes for _ in range(5)]
    await source.begun.wait()
    await asyncio.sleep(0.05)
    source.gate.set()
    assert set(await asyncio.gather(*asking)) == {"old"}
    assert source.loads == 1


async def test_who_waits_for_one_who_died_loads(new_side: NewSide, redis_server: RedisServer) -> None:
    side, source = await new_side(), Source()
    ticket = await side.cache._store.look("thing")
    assert isinstance(ticket, Ticket)  # and whoever held it is never heard of again
    began = monotonic()
    assert await side.get(source) == "old"
    assert monotonic() - began >= LEASE_MS / 1000 - 0.1


async def test_who_fails_to_load_lets_the_next_one_try(new_side: NewSide) -> None:
    one, other, bad, good = await new_side(), await new_side(), Source(), Source()
    bad.fault = LookupError()
    bad.gate.clear()
    failing = asyncio.create_task(one.get(bad))
    await bad.begun.wait()
    waiting = asyncio.create_task(other.get(good))
    await asyncio.sleep(0.05)
    assert good.loads == 0
    bad.gate.set()
    await asyncio.wait([failing])
    async with asyncio.timeout(LEASE_MS / 1000 / 2):
        assert await waiting == "old"
    assert isinstance(failing.exception(), LookupError)


async def test_memory_does_not_outlive_what_redis_has(new_side: NewSide) -> None:
    one, other, source = await new_side(), await new_side(), Source()
    await one.get(source, lifetime=Lifetime(memory=60, shared=0.2))
    await asyncio.sleep(0.1)
    await other.get(source)
    await asyncio.sleep(0.12)
    assert other.cache.memory.find("thing") is None
    assert one.cache.memory.find("thing") is None


async def test_times_are_spread(new_side: NewSide) -> None:
    side, source = await new_side(), Source()
    for number in range(20):
        await side.get(source, str(number))
    left = [await side.cache._store._link.redis.pttl(f"shop:cache:value:{number}") for number in range(20)]
    assert len({ms // 1000 for ms in left}) > 5
    assert all(0.88 * 3_600_000 < ms <= 3_600_000 for ms in left)


async def test_evicted_marks_make_misses(new_side: NewSide, redis_server: RedisServer) -> None:
    """Whatever Redis loses, no old value comes back."""
    one, source = await new_side(), Source()
    await one.get(source)
    for lost in ("mark:things", "change", "mark:*"):
        source.value = f"after {lost}"
        redis_server.execute(f"DEL shop:cache:{lost}".replace("*", EVERYTHING))
        one.cache.forget(["thing:1"])
        await eventually(lambda: _true(not one.cache.news.owing))
        assert await one.get(source) == f"after {lost}"


async def test_a_new_process_ends_what_one_before_could_not_tell(new_side: NewSide) -> None:
    """It was killed between its commit and the telling."""
    one, source = await new_side(), Source()
    await one.get(source)
    source.value = "new"
    await new_side()
    assert await one.get(source) == "new"


async def test_values_are_swept_batch_by_batch(new_side: NewSide) -> None:
    side, source = await new_side(), Source()
    store: Store = side.cache._store
    for batch in range(60):  # few at once: on a busy machine Redis answers a crowd too late, and then nothing is stored
        await asyncio.gather(*(side.get(source, f"thing {batch} {number}", LONG) for number in range(20)))
    assert await store.count() == 1200
    assert await store.sweep() == 1200
    assert await store.count() == 0


async def _true(value: bool) -> bool:
    return value
