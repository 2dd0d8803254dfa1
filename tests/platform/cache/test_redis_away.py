"""Redis dead, slow, flushed and back: nobody waits long, nobody gets what is not true, and no restart is needed."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import pytest

from tests.platform.cache.conftest import NewSide, Side, Source, settled, sides
from tests.support.redis_server import RedisServer, running_or_skipped
from tests.support.server import processes_in
from tests.support.shop import eventually


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """One that may be killed."""
    server = running_or_skipped()
    yield server
    server.stop()


@pytest.fixture
async def new_here(own_server: RedisServer) -> AsyncIterator[NewSide]:
    async with sides(own_server) as make:
        yield make


async def works_again(side: Side) -> None:
    await settled(side.cache)
    source = Source()

    async def hit() -> bool:
        await side.get(source, f"again {source.loads}")
        return source.loads == 0 or side.cache.memory.find("again 0") is not None

    await eventually(hit)


async def test_killed_and_back(own_server: RedisServer, new_here: NewSide) -> None:
    one, other, source = await new_here(), await new_here(), Source()
    await one.get(source)
    await other.get(source)
    own_server.kill()
    await eventually(lambda: deaf(one, other))
    source.value = "new"
    one.cache.forget(["things"])
    assert await one.get(source) == "new"
    assert await other.get(source) == "new", "what cannot be kept true is not kept"
    own_server.restart()
    for side in (one, other):
        await works_again(side)
        assert await side.get(source) == "new"


async def test_a_redis_that_hangs_is_as_good_as_none(own_server: RedisServer, new_here: NewSide) -> None:
    side, source = await new_here(), Source()
    (pid,) = processes_in(own_server.folder)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert [await side.get(source, str(number)) for number in range(100)] == ["old"] * 100
        assert side.count("redis_up") == 0
        await eventually(lambda: deaf(side))
    finally:
        os.kill(pid, signal.SIGCONT)
    await works_again(side)
    assert side.count("redis_up") == 1


async def test_what_was_owed_is_told_when_redis_is_back(own_server: RedisServer, new_here: NewSide) -> None:
    """The others never lost sight of it: to them nothing had happened."""
    one, other, source = await new_here(), await new_here(), Source()
    await one.get(source)
    await other.get(source)
    link = one.cache._store._link
    link._closed_until = monotonic() + 0.5  # this one alone cannot reach it
    source.value = "new"
    one.cache.forget(["things"])
    assert one.cache.news.owing
    assert await one.get(source) == "new", "it knows better than Redis"
    assert await other.get(source) == "old"

    async def seen() -> bool:
        return await other.get(source) == "new"

    await eventually(seen)


async def test_flushed(own_server: RedisServer, new_here: NewSide) -> None:
    one, other, source = await new_here(), await new_here(), Source()
    await one.get(source)
    own_server.execute("FLUSHALL")
    source.value = "new"
    one.cache.forget(["things"])
    await settled(one.cache)
    own_server.execute("FLUSHALL")
    assert await other.get(source) == "new"
    assert await one.get(source) == "new"


async def test_a_script_that_redis_forgot_is_taught_again(own_server: RedisServer, new_here: NewSide) -> None:
    side, source = await new_here(), Source()
    own_server.execute("SCRIPT FLUSH")
    assert await side.get(source) == "old"
    assert (await side.cache.stats()).shared == 1


async def deaf(*sides: Side) -> bool:
    return not any(side.cache.news.hearing for side in sides)
