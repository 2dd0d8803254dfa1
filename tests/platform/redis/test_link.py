"""After a failure nobody asks for a while; then one does, and the others after it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from caddy_shopping.platform.redis import link as module
from caddy_shopping.platform.redis.link import Link, RedisAway
from tests.support.redis_server import RedisServer, running_or_skipped


@pytest.fixture
def server() -> Iterator[RedisServer]:
    running = running_or_skipped()
    yield running
    running.stop()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


@pytest.fixture
async def link(server: RedisServer, clock: list[float]) -> AsyncIterator[Link]:
    made = Link(server.url, CollectorRegistry(), pause=1.0)
    yield made
    await made.close()


async def test_one_in_a_pause_finds_out(link: Link, server: RedisServer, clock: list[float]) -> None:
    asked = 0

    async def ask(redis: Any) -> Any:
        nonlocal asked
        asked += 1
        return await redis.ping()

    assert await link.ask(ask)
    server.kill()
    for _ in range(10):
        with pytest.raises(RedisAway):
            await link.ask(ask)
    assert asked == 2
    assert link.away
    clock[0] += 1.0
    for _ in range(10):
        with pytest.raises(RedisAway):
            await link.ask(ask)
    assert asked == 3
    server.restart()
    with pytest.raises(RedisAway):
        await link.ask(ask)
    clock[0] += 1.0
    for _ in range(10):
        assert await link.ask(ask)
    assert asked == 13
    assert not link.away


async def test_while_one_tries_the_others_do_not_wait_for_it(
    link: Link, server: RedisServer, clock: list[float]
) -> None:
    server.kill()
    with pytest.raises(RedisAway):
        await link.ping()
    clock[0] += 1.0
    server.restart()

    async def trying(redis: Any) -> str:
        with pytest.raises(RedisAway):
            await link.ping()
        return "tried"

    assert await link.ask(trying) == "tried"
    await link.ping()


async def test_a_fault_of_ones_own_is_not_taken_for_redis_being_away(link: Link) -> None:
    async def wrong(redis: Any) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await link.ask(wrong)
    assert not link.away
