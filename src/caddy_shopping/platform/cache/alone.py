"""The cache of a process that shares nothing: one loader for each key, and memory, should it be given time."""

import asyncio
import random
from collections.abc import Callable, Collection
from time import perf_counter
from typing import Any, TypeVar

import msgspec

from caddy_shopping.platform.cache.cache import EVERYTHING, Lifetime, Load, Loaded, Stats
from caddy_shopping.platform.cache.memory import Memory
from caddy_shopping.platform.cache.metrics import CacheMetrics

T = TypeVar("T")
ENTRIES, SIZE = 5000, 32 * 1024 * 1024

Dropped = Callable[[Collection[str]], None]
"""Told the tags of whatever is not true any more, for caches in front of this one."""


class MemoryCache:
    """See `cache.Cache`. `longest`: seconds that a value is kept at most; 0 keeps none.

    Processes that know nothing of each other hear of no change: what another one commits shows after `longest`.
    """

    def __init__(
        self,
        metrics: CacheMetrics,
        dropped: Dropped,
        *,
        longest: float = 0.0,
        entries: int = ENTRIES,
        size: int = SIZE,
    ) -> None:
        self.memory = Memory(metrics, entries=entries, size=size)
        self.metrics = metrics
        self._dropped = dropped
        self._longest = longest
        self._loading: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, key: str, kind: Any, load: Load[T], lifetime: Lifetime) -> T | None:
        body = self.memory.find(key)
        if body is not None:
            self.metrics.memory_hit.inc()
        else:
            body = await self._joined(key, load, lifetime)
        value: T | None = msgspec.msgpack.decode(body, type=kind | None)
        return value

    def forget(self, tags: Collection[str]) -> None:
        self.drop(tags)

    async def clear(self) -> None:
        self.forget([EVERYTHING])

    async def stats(self) -> Stats:
        return Stats(len(self.memory), self.memory.size, None)

    def drop(self, tags: Collection[str]) -> None:
        """Forget in this process alone."""
        self._loading.clear()
        self.memory.drop(tags)
        self._dropped(tags)

    async def fetch(self, key: str, load: Load[T], lifetime: Lifetime) -> bytes:
        """What is done where memory has nothing; the result is for all who wait."""
        found = await self.load(load)
        body = msgspec.msgpack.encode(found.value)
        self.keep(key, body, found.tags, lifetime.absent if found.value is None else lifetime.memory)
        return body

    async def load(self, load: Load[T]) -> Loaded[T]:
        """Ask the source."""
        started = perf_counter()
        found = await load()
        self.metrics.load_seconds.observe(perf_counter() - started)
        return found

    def keep(self, key: str, body: bytes, tags: frozenset[str], seconds: float) -> None:
        """Keep what the running `fetch` found, unless something was forgotten since it began."""
        seconds = min(seconds, self._longest) * random.uniform(0.9, 1.0)
        if seconds > 0 and self._loading.get(key) is asyncio.current_task():
            self.memory.keep(key, body, tags, seconds)

    async def _joined(self, key: str, load: Load[T], lifetime: Lifetime) -> bytes:
        """Load, or wait with the others. In a task of its own: one who gives up waiting takes nothing from the rest."""
        task = self._loading.get(key)
        if task is None:
            self.metrics.memory_miss.inc()
            task = self._loading[key] = asyncio.create_task(self.fetch(key, load, lifetime))
            task.add_done_callback(lambda done: self._over(key, done))
        else:
            self.metrics.memory_shared.inc()
        return await asyncio.shield(task)

    def _over(self, key: str, done: "asyncio.Task[bytes]") -> None:
        if self._loading.get(key) is done:
            del self._loading[key]
        if not done.cancelled():
            done.exception()  # seen, should nobody wait any more
