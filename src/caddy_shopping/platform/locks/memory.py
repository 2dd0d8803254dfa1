"""The locks of a process that has no other beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from time import monotonic

from caddy_shopping.platform.locks.locks import Held


class MemoryLocks:
    """See `locks.Locks`. Nobody else can have held one, so no token is refused."""

    def __init__(self) -> None:
        self._held = set[str]()
        self._tokens = count(1)
        self._done: dict[str, float] = {}

    @asynccontextmanager
    async def held(self, name: str, seconds: float) -> AsyncIterator[Held | None]:
        if name in self._held:
            yield None
            return
        self._held.add(name)
        try:
            yield Held(name, next(self._tokens))
        finally:
            self._held.discard(name)

    async def record(self, held: Held, seconds: float) -> None:
        self._done[held.name] = monotonic() + seconds

    async def recorded(self, name: str) -> bool:
        return self._done.get(name, 0.0) > monotonic()
