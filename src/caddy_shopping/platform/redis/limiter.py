"""Requests counted by all processes together."""

from contextlib import suppress
from typing import Any

from caddy_shopping.platform.http.rate_limit import MemoryLimiter, Rule, Verdict
from caddy_shopping.platform.redis.link import Link, RedisAway

PREFIX = "shop:limit:"

# The generic cell rate algorithm (ITU-T I.371), by the clock of Redis, in microseconds. KEYS: full again.
# ARGV: microseconds for each request, microseconds for all of them. Gives allowed, and microseconds to wait.
_TAKE = """
local t = redis.call('TIME')
local now, each, span = t[1] * 1000000 + t[2], tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + each
local excess = full - now - span
if excess > 0 then return {0, math.ceil(excess)} end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return {1, math.ceil(full - now)}
"""


class SharedLimiter:
    """See `rate_limit.Limiter`. While Redis is away each process counts for itself."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._alone = MemoryLimiter()
        self._take: Any = link.redis.register_script(_TAKE)

    async def take(self, key: str, rule: Rule) -> Verdict:
        span = rule.seconds * 1_000_000
        each = span / rule.limit
        try:
            allowed, wait = await self._link.ask(lambda _: self._take([_name(key, rule)], [f"{each:.3f}", span]))
        except RedisAway:
            return await self._alone.take(key, rule)
        if not allowed:
            return Verdict(False, 0, wait / 1e6)
        return Verdict(True, int((span - wait) / each + 1e-6), wait / 1e6)

    async def forget(self, key: str, rule: Rule) -> None:
        await self._alone.forget(key, rule)
        with suppress(RedisAway):
            await self._link.ask(lambda redis: redis.delete(_name(key, rule)))


def _name(key: str, rule: Rule) -> str:
    return f"{PREFIX}{rule.name}:{key}"
