"""How long until another process knows of a change? Beside it, in turns, what Redis alone takes for a message.

    python -m benchmarks.news REDIS_URL

is that other process: it prints the moment of each thing that it hears, by the clock that all processes share.
"""

import asyncio
import sys
from collections.abc import Callable, Collection
from time import monotonic_ns

from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from caddy_shopping.platform.cache.metrics import CacheMetrics
from caddy_shopping.platform.cache.shared import SharedCache
from caddy_shopping.platform.redis.link import Link
from tests.support.shop import eventually

BARE = "bare"
PAUSE = 0.005


async def delays(url: str, times: int) -> tuple[list[float], list[float]]:
    """Milliseconds from a cache's `forget` to the other process's knowing, and from a bare PUBLISH to its hearing."""
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.news", url, stdout=asyncio.subprocess.PIPE
    )
    said = other.stdout
    assert said is not None
    link, redis = Link(url, CollectorRegistry()), Redis.from_url(url)
    teller = await _started(link, lambda: None)
    ours, bare = list[float](), list[float]()

    async def heard(since: int) -> float:
        async with asyncio.timeout(10):
            line = await said.readline()
        return (int(line) - since) / 1e6

    try:
        assert (await said.readline()).strip() == b"ready"
        for _ in range(times):
            await asyncio.sleep(PAUSE)
            begun = monotonic_ns()
            teller.forget(["thing"])
            ours.append(await heard(begun))
            await asyncio.sleep(PAUSE)
            begun = monotonic_ns()
            await redis.publish(BARE, b"")
            bare.append(await heard(begun))
    finally:
        other.terminate()
        await other.wait()
        await teller.stop()
        await link.close()
        await redis.aclose()
    return ours, bare


async def listen(url: str) -> None:
    def say() -> None:
        print(monotonic_ns(), flush=True)

    async with Redis.from_url(url) as redis, redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(BARE)
        await channel.get_message(ignore_subscribe_messages=True, timeout=5)
        await _started(Link(url, CollectorRegistry()), say)
        print("ready", flush=True)
        async for _ in channel.listen():
            say()


async def _started(link: Link, hears: Callable[[], None]) -> SharedCache:
    begun = False

    def forgotten(_: Collection[str]) -> None:
        if begun:
            hears()

    cache = SharedCache(link, CacheMetrics(CollectorRegistry()), forgotten)
    await cache.start()

    async def ready() -> bool:
        return cache.news.hearing and not cache.news.owing

    await eventually(ready)
    begun = True
    return cache


if __name__ == "__main__":
    asyncio.run(listen(sys.argv[1]))
