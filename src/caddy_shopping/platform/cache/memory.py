"""The first level: bytes in this process's memory, bounded, for a short time."""

from collections import OrderedDict, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from time import monotonic

from caddy_shopping.platform.cache.cache import EVERYTHING
from caddy_shopping.platform.cache.metrics import CacheMetrics

_OVERHEAD = 512
"""Bytes that an entry takes beside its body, roughly."""


@dataclass(frozen=True, slots=True)
class _Entry:
    body: bytes
    tags: frozenset[str]
    expires: float

    @property
    def size(self) -> int:
        return len(self.body) + _OVERHEAD + 100 * len(self.tags)


class Memory:
    """Least recently used goes first when `entries` or `size` (bytes) is exceeded."""

    def __init__(self, metrics: CacheMetrics, *, entries: int, size: int) -> None:
        self._metrics = metrics
        self._most, self._most_bytes = entries, size
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._tagged: defaultdict[str, set[str]] = defaultdict(set)
        self.size = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: str) -> bytes | None:
        """The body kept under `key`, unless its time is over."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires <= monotonic():
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry.body

    def keep(self, key: str, body: bytes, tags: frozenset[str], seconds: float) -> None:
        """Keep `body` for so long, or less where room is wanted."""
        self._remove(key)
        entry = self._entries[key] = _Entry(body, tags, monotonic() + seconds)
        self.size += entry.size
        for tag in tags:
            self._tagged[tag].add(key)
        while len(self._entries) > self._most or self.size > self._most_bytes:
            self._remove(next(iter(self._entries)))
            self._metrics.evictions.inc()
        self._measure()

    def drop(self, tags: Collection[str]) -> None:
        """Forget what has one of `tags`."""
        if EVERYTHING in tags:
            self._entries.clear()
            self._tagged.clear()
            self.size = 0
        for tag in tags:
            for key in list(self._tagged.get(tag, ())):
                self._remove(key)
        self._measure()

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self.size -= entry.size
        for tag in entry.tags:
            self._tagged[tag].discard(key)
            if not self._tagged[tag]:
                del self._tagged[tag]

    def _measure(self) -> None:
        self._metrics.entries.set(len(self._entries))
        self._metrics.size.set(self.size)
