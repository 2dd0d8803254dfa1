"""Locks in Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from caddy_shopping.platform.locks.locks import Held, TokenRefused
from caddy_shopping.platform.locks.memory import MemoryLocks
from caddy_shopping.platform.redis.link import Link, RedisAway

PREFIX = "shop:lock:"

# KEYS: lock, token. ARGV: me, ms. The time of the clock is the floor, should the counter have been lost.
_TAKE = """
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
local now = redis.call('TIME')
local token = math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, now[1] * 1000000 + now[2])
redis.call('SET', KEYS[2], string.format('%.0f', token))
return string.format('%.0f', token)
"""
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_FREE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
# KEYS: token, record. ARGV: my token, ms. The counter has the token of the last holder.
_RECORD = """
if tonumber(redis.call('GET', KEYS[1]) or 0) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
"""


class SharedLocks:
    """See `locks.Locks`. Tokens are microseconds since 1970 or more, so they also grow across a flush."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._alone = MemoryLocks()
        self._take, self._renew, self._free, self._record = map(
            link.redis.register_script, (_TAKE, _RENEW, _FREE, _RECORD)
        )

    @asynccontextmanager
    async def held(self, name: str, seconds: float) -> AsyncIterator[Held | None]:
        key, me = PREFIX + name, uuid4().hex
        try:
            token = int(await self._link.ask(lambda _: self._take([key, f"{key}:token"], [me, int(seconds * 1000)])))
        except RedisAway:
            # What the lock guards is right when done twice: better twice than not at all.
            async with self._alone.held(name, seconds) as alone:
                yield alone
            return
        if not token:
            yield None
            return
        renewing = asyncio.create_task(self._keep(key, me, seconds))
        try:
            yield Held(name, token)
        finally:
            renewing.cancel()
            with suppress(RedisAway):
                await self._link.ask(lambda _: self._free([key], [me]))

    async def record(self, held: Held, seconds: float) -> None:
        keys = [f"{PREFIX}{held.name}:token", f"{PREFIX}{held.name}:done"]
        try:
            written = await self._link.ask(lambda _: self._record(keys, [held.token, int(seconds * 1000)]))
        except RedisAway:
            return await self._alone.record(held, seconds)
        if not written:
            raise TokenRefused(held)
        return None

    async def recorded(self, name: str) -> bool:
        try:
            return bool(await self._link.ask(lambda redis: redis.exists(f"{PREFIX}{name}:done")))
        except RedisAway:
            return await self._alone.recorded(name)

    async def _keep(self, key: str, me: str, seconds: float) -> None:
        """Renew three times in its life, so that one failure does not lose it."""
        while True:
            await asyncio.sleep(seconds / 3)
            with suppress(RedisAway):
                if not await self._link.ask(lambda _: self._renew([key], [me, int(seconds * 1000)])):
                    return
