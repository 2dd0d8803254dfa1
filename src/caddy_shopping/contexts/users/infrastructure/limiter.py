"""Counts tries: in the memory of this process, or of all processes together."""

import math
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from hashlib import blake2b

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import RateLimited
from caddy_shopping.platform.http.rate_limit import WRITES, Limiter, Rule


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


class SharedSignInLimiter:
    """Satisfies `application.ports.SignInLimiter`: `tries` at once, and again one in each `window / tries`."""

    def __init__(self, limiter: Limiter, tries: int, window: timedelta) -> None:
        self._limiter = limiter
        self._rule = Rule("account", tries, int(window.total_seconds()), WRITES)

    async def attempt(self, key: str) -> None:
        verdict = await self._limiter.take(_unreadable(key), self._rule)
        if not verdict.allowed:
            wait = max(1, math.ceil(verdict.wait))
            raise RateLimited(seconds=wait, retry_after=wait)

    async def forget(self, key: str) -> None:
        await self._limiter.forget(_unreadable(key), self._rule)


def _unreadable(key: str) -> str:
    """Addresses of people are not for whoever looks into Redis."""
    return blake2b(key.encode(), digest_size=16).hexdigest()
