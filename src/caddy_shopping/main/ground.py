"""What all contexts of one process stand on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from os import environ

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.main.databases import Databases
from caddy_shopping.platform.cache.cache import Cache
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.events.bus import EventBus, InProcessBus, TracedBus
from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.relay import IMPATIENT, OTHERS_FIRST, Relay
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.rate_limit import Limiter
from caddy_shopping.platform.module import Kit, Schema
from caddy_shopping.platform.security.keys import FileKeySet, KeySet, SecretKeySet
from caddy_shopping.platform.security.passwords import PasswordHasher
from caddy_shopping.platform.security.secrets import InstallationSecret
from caddy_shopping.platform.security.tokens import AccessTokens
from caddy_shopping.platform.settings import Settings, reading
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.spans import Spans


@dataclass(frozen=True, slots=True)
class Ground:
    """Databases, clock, bus, keys: built once, lent to each context through its kit."""

    settings: Settings
    databases: Databases
    clock: Clock
    metrics: Metrics
    bus: EventBus
    secret: InstallationSecret
    keys: KeySet
    tokens: AccessTokens
    passwords: PasswordHasher
    spans: Spans | None = None
    """None: traces go nowhere."""
    relays: dict[str, Relay] = field(default_factory=dict)
    dead_letters: dict[str, DeadLetters] = field(default_factory=dict)

    def kit(self, schema: Schema, cache: Cache, limiter: Limiter | None) -> Kit:
        """A context's kit."""
        context, tables = schema.context, PlatformTables.found(schema.metadata, schema.context)
        database = self.databases.of(context)
        patience = OTHERS_FIRST if self.bus.shared else IMPATIENT
        bus = self.bus if self.spans is None else TracedBus(self.bus, self.spans)
        relay = Relay(context, database, tables, bus, self.clock, self.metrics, patience)
        self.relays[context] = relay
        self.dead_letters[context] = DeadLetters(database, tables, self.clock)
        lease = timedelta(seconds=self.settings.idempotency_lease_seconds)
        run = Executor(context, database, tables, self.clock, self.metrics, lease, self.spans)
        return Kit(context, database, tables, self.clock, run, relay.wake, cache, limiter)


def lay(settings: Settings, clock: Clock, contexts: Sequence[str], everywhere: Sequence[str]) -> Ground:
    """Make the ground for `contexts`, of those that there are `everywhere`.

    Of all this, only the data folder and its keys are touched.
    """
    metrics = Metrics()
    with reading("SHOP_DATA_DIR", OSError):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    keys = key_set(settings, clock)
    spans = spans_of(settings, "caddy-shopping" if len(contexts) == len(everywhere) else ",".join(contexts), metrics)
    return Ground(
        settings=settings,
        databases=Databases(settings, contexts),
        clock=clock,
        metrics=metrics,
        bus=event_bus(settings, everywhere, metrics, spans),
        secret=InstallationSecret.load_or_create(settings.data_dir),
        keys=keys,
        tokens=AccessTokens(keys, clock, lifetime=timedelta(minutes=settings.token_minutes)),
        passwords=PasswordHasher(),
        spans=spans,
    )


def spans_of(settings: Settings, service: str, metrics: Metrics) -> Spans | None:
    """What exports traces, where they are to be."""
    # With OpenTelemetry's own switch for "off", spans would have no ids to pass on.
    if not settings.otlp_endpoint or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    # Imported here: the SDK takes megabytes and a tenth of a second.
    from caddy_shopping.platform.telemetry.otlp import OtlpSpans

    return OtlpSpans(
        settings.otlp_endpoint, settings.otlp_sampling, service, version("caddy-shopping-backend"), metrics.registry
    )


def event_bus(settings: Settings, contexts: Sequence[str], metrics: Metrics, spans: Spans | None = None) -> EventBus:
    """Kafka where there are brokers; otherwise events stay inside the process."""
    if not settings.kafka_brokers:
        return InProcessBus(metrics, spans)
    # Imported here: who has no brokers need not pay for their client.
    from caddy_shopping.platform.events.kafka.bus import AT_ONCE, KafkaBus
    from caddy_shopping.platform.events.kafka.cluster import Cluster

    cluster = Cluster(
        settings.kafka_brokers,
        prefix=settings.kafka_prefix,
        partitions=settings.kafka_partitions,
        replication=settings.kafka_replication,
        session=timedelta(seconds=settings.kafka_session_seconds),
        options=settings.kafka_options,
    )
    # No more than there are connections, or requests would queue behind events. SQLite has one writer anyway.
    at_once = AT_ONCE if settings.database.startswith("sqlite") else settings.pool_size
    return KafkaBus(cluster, contexts, metrics, at_once=at_once, spans=spans)


def key_set(settings: Settings, clock: Clock) -> KeySet:
    """RS256 keys in `data_dir/keys`, or the HS256 secret from the environment."""
    if settings.token_algorithm == "HS256":
        with reading("SHOP_TOKEN_SECRET", ValueError):
            return SecretKeySet([settings.token_secret.get_secret_value().encode()])
    lifetime = timedelta(minutes=settings.token_minutes)
    return FileKeySet(settings.data_dir / "keys", clock, max_token_age=lifetime)
