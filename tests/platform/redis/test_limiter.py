"""Requests of all processes are counted together, or by each alone while Redis is away."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from caddy_shopping.platform.http.rate_limit import WRITES, Limiter, MemoryLimiter, Rule
from caddy_shopping.platform.redis.limiter import SharedLimiter
from caddy_shopping.platform.redis.link import Link
from tests.support.redis_link import link, linked, redis_server
from tests.support.redis_server import RedisServer, running_or_skipped

__all__ = ["link", "redis_server"]

RULE = Rule("writes", 3, 60, WRITES)


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[Limiter]:
    if request.param == "memory":
        yield MemoryLimiter()
        return
    async with linked(request.getfixturevalue("redis_server")) as made:
        yield SharedLimiter(made)


async def test_up_to_the_limit_and_no_further(limiter: Limiter) -> None:
    taken = [await limiter.take("somebody", RULE) for _ in range(5)]
    assert [each.allowed for each in taken] == [True] * 3 + [False] * 2
    assert [each.remaining for each in taken] == [2, 1, 0, 0, 0]
    assert 19 < taken[0].wait <= 20
    assert 19 < taken[3].wait <= 20


async def test_callers_and_rules_are_counted_apart(limiter: Limiter) -> None:
    other = Rule("sign-in", 1, 60, WRITES)
    for _ in range(3):
        await limiter.take("somebody", RULE)
    assert (await limiter.take("somebody else", RULE)).allowed
    assert (await limiter.take("somebody", other)).allowed
    assert not (await limiter.take("somebody", other)).allowed


async def test_there_is_room_again_after_a_while(limiter: Limiter) -> None:
    quick = Rule("quick", 2, 1, WRITES)
    assert [(await limiter.take("somebody", quick)).allowed for _ in range(3)] == [True, True, False]
    wait = (await limiter.take("somebody", quick)).wait
    await asyncio.sleep(wait + 0.05)
    assert (await limiter.take("somebody", quick)).allowed


async def test_who_is_forgotten_begins_anew(limiter: Limiter) -> None:
    for _ in range(4):
        await limiter.take("somebody", RULE)
    await limiter.forget("somebody", RULE)
    assert (await limiter.take("somebody", RULE)).remaining == 2


async def test_processes_count_together(link: Link, redis_server: RedisServer) -> None:
    other = Link(redis_server.url, CollectorRegistry())
    sides = [SharedLimiter(link), SharedLimiter(other)]
    assert [(await sides[n % 2].take("somebody", RULE)).allowed for n in range(4)] == [True] * 3 + [False]
    assert 0 < await link.redis.pttl("shop:limit:writes:somebody") <= 60_001
    await other.close()


async def test_each_counts_for_itself_while_redis_is_away_and_together_after(redis_server: RedisServer) -> None:
    own = running_or_skipped()
    link = Link(own.url, CollectorRegistry(), pause=0.01)
    limiter = SharedLimiter(link)
    try:
        for _ in range(3):
            await limiter.take("somebody", RULE)
        own.kill()
        assert [(await limiter.take("somebody", RULE)).allowed for _ in range(4)] == [True] * 3 + [False]
        own.restart()
        link._closed_until = 0.0
        assert (await limiter.take("somebody", RULE)).allowed
        assert not link.away
    finally:
        await link.close()
        own.stop()
