"""Counts tries in the memory of this process."""

import math
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import RateLimited


class MemorySignInLimiter:
    """Satisfies `application.ports.SignInLimiter`: `tries` in any `window`, per key.

    Remembers the `capacity` keys that were tried last; older ones make room.
    """

    def __init__(self, clock: Clock, tries: int, window: timedelta, capacity: int = 20_000) -> None:
        self._clock = clock
        self._tries = tries
        self._window = window
        self._capacity = capacity
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()

    async def attempt(self, key: str) -> None:
        now = self._clock.now()
        seen = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while seen and seen[0] <= now - self._window:
            seen.popleft()
        if len(seen) >= self._tries:
            wait = math.ceil((seen[0] + self._window - now).total_seconds())
            raise RateLimited(seconds=wait, retry_after=wait)
        seen.append(now)
        while len(self._seen) > self._capacity:
            self._seen.popitem(last=False)

    async def forget(self, key: str) -> None:
        self._seen.pop(key, None)
