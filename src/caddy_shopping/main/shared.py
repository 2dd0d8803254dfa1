"""What the processes of one shop share: by Redis where `SHOP_REDIS_URL` names one, else nothing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from caddy_shopping.platform.cache.alone import Dropped, MemoryCache
from caddy_shopping.platform.cache.cache import Cache
from caddy_shopping.platform.cache.metrics import CacheMetrics
from caddy_shopping.platform.http.rate_limit import Limiter
from caddy_shopping.platform.locks.locks import Locks
from caddy_shopping.platform.locks.memory import MemoryLocks
from caddy_shopping.platform.settings import Settings, reading
from caddy_shopping.platform.telemetry.metrics import Metrics

Step = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Shared:
    """`check`, where Redis is used, raises while it is away. `starting` and `stopping` are awaited in their order."""

    cache: Cache
    locks: Locks
    limiter: Limiter | None = None
    """None: each process counts for itself."""
    check: Step | None = None
    starting: Sequence[Step] = ()
    stopping: Sequence[Step] = ()

    async def start(self) -> None:
        for step in self.starting:
            await step()

    async def stop(self) -> None:
        """Safe without a start."""
        for step in self.stopping:
            await step()


def share(settings: Settings, metrics: Metrics, dropped: Dropped) -> Shared:
    """`dropped` is told the tags of whatever this process or another one forgot."""
    url, seen = settings.redis_url.get_secret_value(), CacheMetrics(metrics.registry)
    if not url:
        return Shared(MemoryCache(seen, dropped), MemoryLocks())
    # The client takes megabytes and milliseconds, which only those who use it should pay.
    from caddy_shopping.platform.cache.shared import SharedCache
    from caddy_shopping.platform.locks.shared import SharedLocks
    from caddy_shopping.platform.redis.limiter import SharedLimiter
    from caddy_shopping.platform.redis.link import Link

    with reading("SHOP_REDIS_URL", ValueError):
        link = Link(url, metrics.registry)
    cache = SharedCache(link, seen, dropped, entries=settings.cache_entries)
    return Shared(
        cache,
        SharedLocks(link),
        SharedLimiter(link),
        check=link.ping,
        starting=(cache.start,),
        stopping=(cache.stop, link.close),
    )
