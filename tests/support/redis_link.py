"""A Redis for one test module, and a link to it for each test, which finds it empty."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from caddy_shopping.platform.redis.link import Link
from tests.support.redis_server import RedisServer, running_or_skipped


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    running = running_or_skipped()
    yield running
    running.stop()


@asynccontextmanager
async def linked(redis_server: RedisServer) -> AsyncIterator[Link]:
    """A link to an empty Redis."""
    redis_server.execute("FLUSHALL")
    made = Link(redis_server.url, CollectorRegistry(), pause=0.2)
    yield made
    await made.close()


@pytest.fixture
async def link(redis_server: RedisServer) -> AsyncIterator[Link]:
    async with linked(redis_server) as made:
        yield made
