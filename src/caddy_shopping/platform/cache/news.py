"""What changed, told from process to process by Redis' channels.

A channel keeps nothing for those who do not listen. So whoever listens again forgets everything first; and whether one
still hears is not concluded from a connection that looks well, but from hearing oneself.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from redis.exceptions import RedisError

from caddy_shopping.platform.cache.cache import EVERYTHING
from caddy_shopping.platform.cache.store import PREFIX, Store
from caddy_shopping.platform.redis.link import Link, RedisAway

log = structlog.stdlib.get_logger("caddy_shopping.cache")
CHANNEL = f"{PREFIX}news"
BEAT = 1.0
"""Seconds between two words to oneself."""
SILENCE = 3.0
"""After so many seconds without hearing oneself one is deaf."""
AGAIN = 0.2
"""Seconds between two tries to reach Redis."""


class News:
    """`heard` is called with the tags that another process forgot. `hearing`: nothing is missed just now."""

    def __init__(self, link: Link, store: Store, heard: Callable[[Collection[str]], None]) -> None:
        self.hearing = False
        self._link, self._store, self._heard = link, store, heard
        self._me = uuid4().hex
        self._echo = f"{CHANNEL}:{self._me}"
        self._owed = set[str]()
        self._telling: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def owing(self) -> bool:
        """Whether there is something that Redis has not been told: it may hold what is not true any more."""
        return bool(self._owed)

    def tell(self, tags: Collection[str]) -> None:
        """Have all processes told; returns at once. What Redis does not take now it gets when it is back."""
        self._owed.update(tags)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._listen_again_and_again()), asyncio.create_task(self._beat())]

    async def stop(self) -> None:
        """Tell what is owed, as far as Redis takes it now."""
        self.hearing = False
        for task in [*self._tasks, *([self._telling] if self._telling else [])]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._owed:
            try:
                await self._send()
            except RedisAway:
                log.warning(
                    "others were not told of changes: they see them when their time is over", tags=len(self._owed)
                )

    async def _tell(self) -> None:
        while self._owed:
            try:
                await self._send()
            except RedisAway:
                await asyncio.sleep(AGAIN)

    async def _send(self) -> None:
        tags = sorted(self._owed)
        await self._store.forget(tags, CHANNEL, msgspec.json.encode([self._me, tags]))
        self._owed.difference_update(tags)

    async def _beat(self) -> None:
        while True:
            with suppress(RedisAway):
                await self._link.ask(lambda redis: redis.publish(self._echo, b""))
            await asyncio.sleep(BEAT)

    async def _listen_again_and_again(self) -> None:
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as fault:
                if self.hearing:
                    self.hearing = False
                    self._heard([EVERYTHING])
                    log.warning("other processes are not heard", reason=str(fault))
            await asyncio.sleep(AGAIN)

    async def _listen(self) -> None:
        async with self._link.redis.pubsub() as pubsub:
            await pubsub.subscribe(CHANNEL, self._echo)
            last = monotonic()
            while monotonic() - last < SILENCE:
                message = await pubsub.get_message(timeout=BEAT)
                if message is None:
                    continue
                if message["type"] == "subscribe" and message["channel"] == self._echo.encode():
                    # What was said before was not heard.
                    self._heard([EVERYTHING])
                    self.hearing = True
                elif message["channel"] == self._echo.encode():
                    last = monotonic()
                elif message["type"] == "message":
                    self._take(message["data"])
        raise RedisError("nothing is heard any more")

    def _take(self, data: Any) -> None:
        sender, tags = msgspec.json.decode(data, type=tuple[str, list[str]])
        if sender != self._me:
            self._heard(tags)
