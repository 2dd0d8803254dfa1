"""The cache of a process that has others beside it: memory in front of Redis.

Only what is certain is taken from either. Memory is used while the news of the others are heard; Redis while it has
been told all that this process changed. Otherwise the source is asked: slower, and never wrong.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import TypeVar

import msgspec

from caddy_shopping.platform.cache.alone import ENTRIES, Dropped, MemoryCache
from caddy_shopping.platform.cache.cache import EVERYTHING, Lifetime, Load, Stats
from caddy_shopping.platform.cache.metrics import CacheMetrics
from caddy_shopping.platform.cache.news import News
from caddy_shopping.platform.cache.store import LEASE_MS, Kept, Store, Ticket
from caddy_shopping.platform.redis.link import Link, RedisAway

T = TypeVar("T")
LONGEST = 300.0
"""Seconds that a value stays in memory at most, whatever its lifetime says."""
FIRST_LOOK, LAST_LOOK = 0.005, 0.1
"""Seconds between two looks of one who waits for another process."""


class SharedCache(MemoryCache):
    """See `cache.Cache`. Hears of changes between `start` and `stop`."""

    def __init__(self, link: Link, metrics: CacheMetrics, dropped: Dropped, *, entries: int = ENTRIES) -> None:
        super().__init__(metrics, dropped, longest=LONGEST, entries=entries)
        self._store = Store(link)
        self.news = News(link, self._store, self.drop)

    async def start(self) -> None:
        """Listen. Whoever ran here before may have died before telling what it changed: so that is told now."""
        self.news.start()
        self.forget([EVERYTHING])

    async def stop(self) -> None:
        await self.news.stop()

    def forget(self, tags: Collection[str]) -> None:
        self.drop(tags)
        self.news.tell(tags)

    async def clear(self) -> None:
        self.forget([EVERYTHING])
        await self._store.sweep()

    async def stats(self) -> Stats:
        try:
            shared = await self._store.count()
        except RedisAway:
            shared = None
        return Stats(len(self.memory), self.memory.size, shared)

    async def fetch(self, key: str, load: Load[T], lifetime: Lifetime) -> bytes:
        try:
            found = None if self.news.owing else await self._looked(key)
        except RedisAway:
            self.metrics.redis_away.inc()
            found = None
        if isinstance(found, Kept):
            self.metrics.redis_hit.inc()
            self.keep(key, found.body, found.tags, min(lifetime.memory, found.seconds))
            return found.body
        return await self._loaded(key, load, lifetime, found)

    async def _looked(self, key: str) -> Kept | Ticket | None:
        """What there is, or the ticket to load; None where whoever loads takes too long."""
        pause, waited = FIRST_LOOK, 0.0
        while waited < 2 * LEASE_MS / 1000:
            found = await self._store.look(key)
            if found is not None:
                return found
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, LAST_LOOK)
        return None

    async def _loaded(self, key: str, load: Load[T], lifetime: Lifetime, ticket: Ticket | None) -> bytes:
        try:
            found = await self.load(load)
        except BaseException:
            if ticket is not None:
                with suppress(RedisAway):
                    await self._store.leave(key, ticket)
            raise
        body, absent = msgspec.msgpack.encode(found.value), found.value is None
        seconds = lifetime.absent if absent else lifetime.memory
        if ticket is not None:
            self.metrics.redis_miss.inc()
            with suppress(RedisAway):
                shared = lifetime.absent if absent else lifetime.shared
                kept = await self._store.keep(key, ticket, body, found.tags, shared)
                if kept is None:
                    return body  # something changed meanwhile, so it may be old: the next one loads again
                seconds = min(seconds, kept)
        self.keep(key, body, found.tags, seconds)
        return body

    def keep(self, key: str, body: bytes, tags: frozenset[str], seconds: float) -> None:
        if self.news.hearing:
            super().keep(key, body, tags, seconds)
