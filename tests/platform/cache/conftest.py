"""Caches, alone and on a private Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from caddy_shopping.platform.cache.alone import MemoryCache
from caddy_shopping.platform.cache.cache import EVERYTHING, Lifetime, Loaded
from caddy_shopping.platform.cache.metrics import CacheMetrics
from caddy_shopping.platform.cache.shared import SharedCache
from caddy_shopping.platform.redis.link import Link
from tests.support.redis_link import redis_server
from tests.support.redis_server import RedisServer
from tests.support.shop import eventually

__all__ = ["redis_server"]

LONG = Lifetime()


class Source:
    """Where values come from: counts, and waits before it answers while `gate` is closed."""

    def __init__(self) -> None:
        self.value: str | None = "old"
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.fault: Exception | None = None

    async def __call__(self) -> Loaded[str]:
        self.loads += 1
        value = self.value
        self.begun.set()
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return Loaded(value, frozenset(("things", "thing:1")))


class Side:
    """One process's cache, and what it was told."""

    def __init__(self, cache: Any, registry: CollectorRegistry, heard: list[set[str]]) -> None:
        self.cache, self.registry, self.heard = cache, registry, heard

    async def get(self, source: Source, key: str = "thing", lifetime: Lifetime = LONG) -> str | None:
        found: str | None = await self.cache.get(key, str, source, lifetime)
        return found

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


NewSide = Callable[[], Awaitable[Side]]


@asynccontextmanager
async def sides(redis_server: RedisServer) -> AsyncIterator[NewSide]:
    """A maker of processes that hear each other."""
    redis_server.execute("FLUSHALL")
    made: list[tuple[SharedCache, Link, list[set[str]]]] = []

    async def make() -> Side:
        registry, heard = CollectorRegistry(), list[set[str]]()
        link = Link(redis_server.url, registry, pause=0.2)
        cache = SharedCache(link, CacheMetrics(registry), lambda tags: heard.append(set(tags)))
        made.append((cache, link, heard))
        await cache.start()
        await settled(cache)

        async def known() -> bool:
            return all({EVERYTHING} in each for *_, each in made)

        await eventually(known)
        for *_, each in made:
            each.clear()
        return Side(cache, registry, heard)

    try:
        yield make
    finally:
        for cache, link, _ in made:
            await cache.stop()
            await link.close()


@pytest.fixture
async def new_side(redis_server: RedisServer) -> AsyncIterator[NewSide]:
    """`await new_side()`: a process more."""
    async with sides(redis_server) as make:
        yield make


async def settled(cache: SharedCache) -> None:
    """Return once the cache hears the others and has told them everything."""

    async def check() -> bool:
        return cache.news.hearing and not cache.news.owing

    await eventually(check)


@pytest.fixture(params=["alone", "shared"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    """Each implementation of `Cache`."""
    if request.param == "shared":
        async with sides(request.getfixturevalue("redis_server")) as make:
            yield await make()
        return
    registry, heard = CollectorRegistry(), list[set[str]]()
    cache = MemoryCache(CacheMetrics(registry), lambda tags: heard.append(set(tags)), longest=300)
    yield Side(cache, registry, heard)
