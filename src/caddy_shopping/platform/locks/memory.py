"""The locks of a process that has no other beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from caddy_shopping.platform.locks.locks import Held


class MemoryLocks:
    """See `locks.Locks`. Its tokens begin at 1 in each process: where one is checked, Redis is needed."""

    def __init__(self) -> None:
        self._held = set[str]()
        self._tokens = count(1)

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
