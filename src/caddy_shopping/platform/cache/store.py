"""The second level: what all processes share, in Redis.

A value is good as long as the mark of each of its tags is the one it was stored with. Forgetting a tag removes its
mark, so a value that is lost, a mark that is lost, or both (Redis may evict and be flushed), make a miss, and never
an old value. `change` is a mark of its own that moves with every forgetting: what was loaded while it moved may be
old, and is not stored.
"""

import random
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from caddy_shopping.platform.cache.cache import EVERYTHING
from caddy_shopping.platform.redis.link import Link

PREFIX = "shop:cache:"
LEASE_MS = 2000
"""How long the others wait for one who loads, should that one have died."""
_MARK_MS = 24 * 3600 * 1000
_BATCH = 500

# KEYS: value, lease, change. ARGV: me, lease in ms, prefix of marks.
_LOOK = """
local value = redis.call('HMGET', KEYS[1], 'body', 'tags', 'marks')
if value[1] then
  local marks = {}
  for tag in string.gmatch(value[2], '[^\\n]+') do
    marks[#marks + 1] = redis.call('GET', ARGV[3] .. tag) or ''
  end
  if table.concat(marks, '\\n') == value[3] then
    return {'value', value[1], value[2], redis.call('PTTL', KEYS[1])}
  end
end
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return {'wait'} end
redis.call('SET', KEYS[3], ARGV[1], 'NX')
return {'load', redis.call('GET', KEYS[3])}
"""

# KEYS: value, lease, change. ARGV: me, change as it was, body, ms, prefix of marks, life of marks in ms, tags…
_KEEP = """
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return 0 end
local tags, marks = {}, {}
for i = 7, #ARGV do
  local name = ARGV[5] .. ARGV[i]
  local mark = redis.call('GET', name) or ARGV[1]
  redis.call('SET', name, mark, 'PX', ARGV[6])
  tags[#tags + 1], marks[#marks + 1] = ARGV[i], mark
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'body', ARGV[3], 'tags', table.concat(tags, '\\n'), 'marks', table.concat(marks, '\\n'))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""

# KEYS: lease. ARGV: me.
_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that is good, for `seconds` more."""

    body: bytes
    tags: frozenset[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """The caller is the one who loads. `change` is how things stood before."""

    me: str
    change: bytes


class Store:
    """All methods raise `RedisAway`."""

    def __init__(self, link: Link, prefix: str = PREFIX) -> None:
        self._link = link
        self._prefix = prefix
        self._marks = f"{prefix}mark:"
        self._change = f"{prefix}change"
        self._look, self._keep, self._leave = map(link.redis.register_script, (_LOOK, _KEEP, _LEAVE))

    async def look(self, key: str) -> Kept | Ticket | None:
        """A value, or leave to load it; None where somebody else does that just now."""
        me = uuid4().hex
        found = await self._link.ask(lambda _: self._look(self._keys(key), [me, LEASE_MS, self._marks]))
        if found[0] == b"value":
            tags = frozenset(found[2].decode().split("\n"))
            return Kept(found[1], tags - {EVERYTHING}, found[3] / 1000)
        return Ticket(me, found[1]) if found[0] == b"load" else None

    async def keep(self, key: str, ticket: Ticket, body: bytes, tags: Collection[str], seconds: float) -> float | None:
        """Store for nearly `seconds`, and for how many exactly; None where something changed since the ticket.

        Values of one moment do not end at one moment.
        """
        milliseconds = max(1, int(seconds * random.uniform(900, 1000)))
        arguments = [ticket.me, ticket.change, body, milliseconds, self._marks, _MARK_MS, EVERYTHING, *sorted(tags)]
        kept = await self._link.ask(lambda _: self._keep(self._keys(key), arguments))
        return milliseconds / 1000 if kept else None

    async def leave(self, key: str, ticket: Ticket) -> None:
        """Let somebody else load, since this one failed."""
        await self._link.ask(lambda _: self._leave(self._keys(key)[1:2], [ticket.me]))

    async def forget(self, tags: Collection[str], channel: str, message: bytes) -> None:
        """End what has one of `tags`, and tell `channel`: both or neither."""

        async def all_at_once(redis: Any) -> None:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.delete(*(self._marks + tag for tag in tags))
                pipe.set(self._change, uuid4().hex)
                pipe.publish(channel, message)
                await pipe.execute()

        await self._link.ask(all_at_once)

    async def sweep(self) -> int:
        """Remove all values, good or not, to have the room; their number."""
        return sum([int(await self._link.ask(partial(_unlink, keys))) async for keys in self._values()])

    async def count(self) -> int:
        """How many values there are, good or not."""
        return sum([len(keys) async for keys in self._values()])

    async def _values(self) -> AsyncIterator[list[bytes]]:
        cursor, pattern = 0, f"{self._prefix}value:*"
        while True:
            cursor, keys = await self._link.ask(partial(_scan, cursor, pattern))
            if keys:
                yield keys
            if not cursor:
                return

    def _keys(self, key: str) -> list[str]:
        return [f"{self._prefix}value:{key}", f"{self._prefix}lease:{key}", self._change]


async def _scan(cursor: int, pattern: str, redis: Any) -> tuple[int, list[bytes]]:
    found: tuple[int, list[bytes]] = await redis.scan(cursor, pattern, _BATCH)
    return found


async def _unlink(keys: list[bytes], redis: Any) -> int:
    return int(await redis.unlink(*keys))
