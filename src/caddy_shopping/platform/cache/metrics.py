"""How a cache is doing, in Prometheus' terms."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class CacheMetrics:
    """The hit rate of a level is its hits by its hits and misses; `away` counts where Redis was not asked."""

    def __init__(self, registry: CollectorRegistry) -> None:
        looked = Counter(
            "cache_lookups_total",
            "Values asked of a level (memory, redis): hit, miss, shared (with one who loads already) or away.",
            ["level", "result"],
            registry=registry,
        )
        self.memory_hit, self.memory_miss, self.memory_shared = (
            looked.labels("memory", result) for result in ("hit", "miss", "shared")
        )
        self.redis_hit, self.redis_miss, self.redis_away = (
            looked.labels("redis", result) for result in ("hit", "miss", "away")
        )
        self.evictions = Counter("cache_evictions_total", "Values that made room for others.", registry=registry)
        self.entries = Gauge("cache_entries", "Values in this process's memory.", registry=registry)
        self.size = Gauge("cache_bytes", "What they take.", registry=registry)
        self.load_seconds = Histogram(
            "cache_load_seconds", "Loading what neither level had.", buckets=_BUCKETS, registry=registry
        )
