"""What is counted and timed, in Prometheus' terms."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from caddy_shopping.platform.telemetry.tally import HttpTally

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The process's own registry: no module-level state, so that two processes in one test do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._operations: dict[tuple[str, str], Counter] = {}
        self.http = HttpTally(_BUCKETS)
        self.registry.register(self.http)
        self.operations = Counter(
            "business_operations_total",
            "Use cases run: ok, refused (a named error) or failed (a fault); retried counts lost races besides.",
            ["operation", "status"],
            registry=self.registry,
        )
        self.events = Counter(
            "events_delivered_total",
            "Events taken by a consumer: handled, duplicate, retried or dead.",
            ["consumer", "status"],
            registry=self.registry,
        )
        self.lag = Gauge(
            "events_lag",
            "Records of the partitions that this process has, not yet handled. Kafka only.",
            ["group"],
            registry=self.registry,
        )
        self.outbox_age = Gauge(
            "outbox_oldest_seconds", "Age of the oldest event not yet published.", ["context"], registry=self.registry
        )

    def operation(self, name: str, status: str) -> None:
        """Count one run of a use case."""
        counter = self._operations.get((name, status))
        if counter is None:
            # Finding a series by its labels costs more than counting.
            counter = self._operations[name, status] = self.operations.labels(name, status)
        counter.inc()
