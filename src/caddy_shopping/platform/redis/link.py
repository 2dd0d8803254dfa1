"""The way to Redis, which may be away: then nobody waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeVar

import structlog
from prometheus_client import CollectorRegistry, Gauge
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

R = TypeVar("R")
log = structlog.stdlib.get_logger("caddy_shopping.redis")

PATIENCE = 0.25
"""Seconds that anything asked of Redis may take: it is a short cut, and a long one is none."""
PAUSE = 1.0
"""Seconds for which nobody asks again after it failed."""
CONNECTIONS = 32


class RedisAway(Exception):
    """Redis cannot be asked now. Whoever asked goes on without it."""


class Link:
    """One process's connections to Redis.

    After a failure everybody is turned away at once for a while; then one caller tries, and the others
    follow when that went well. So a dead Redis costs one time-out a second, however many requests there are.
    """

    def __init__(
        self, url: str, registry: CollectorRegistry, *, patience: float = PATIENCE, pause: float = PAUSE
    ) -> None:
        pool = ConnectionPool.from_url(
            url,
            protocol=3,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),
        )
        self.redis: Any = Redis.from_pool(pool)
        self.patience = patience
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._pause = pause
        self._closed_until: float | None = None
        self._up = Gauge("redis_up", "Whether Redis answered when it was asked last: 1 or 0.", registry=registry)
        self._up.set(1)

    @property
    def away(self) -> bool:
        """Whether the last that asked got no answer."""
        return self._closed_until is not None

    async def ask(self, step: Callable[[Any], Awaitable[R]]) -> R:
        """Do `step` with the client. Raises `RedisAway`, at once while a pause lasts."""
        if self._closed_until is not None:
            if monotonic() < self._closed_until:
                raise RedisAway
            # This caller tries; the others wait for what becomes of it.
            self._closed_until = monotonic() + self._pause
        await self._turn()
        try:
            answer = await step(self.redis)
        except RedisError as fault:
            self._lost(fault)
            raise RedisAway from fault
        finally:
            self._turns.release()
        if self._closed_until is not None:
            self._closed_until = None
            self._up.set(1)
            log.info("redis is back")
        return answer

    async def ping(self) -> None:
        """Raises `RedisAway`."""
        await self.ask(lambda redis: redis.ping())

    async def close(self) -> None:
        await self.redis.aclose()
        await self.redis.connection_pool.disconnect()

    async def _turn(self) -> None:
        """Wait until one of the connections is free. That all are busy says nothing about Redis."""
        try:
            async with asyncio.timeout(self.patience):
                await self._turns.acquire()
        except TimeoutError:
            raise RedisAway from None

    def _lost(self, fault: RedisError) -> None:
        if self._closed_until is None:
            log.warning("redis is away", reason=str(fault))
            self._up.set(0)
        self._closed_until = monotonic() + self._pause
