"""How fast do events travel? `python -m benchmarks.events --database PostgreSQL`

Outbox → relay → Kafka → consumer → inbox, all in one process, with transactions of a hundred events; beside it the
ceiling, in the same run: the bare client that brings and fetches the same records, and the bare driver that inserts the
same inbox rows. Then the delay from commit to the broker's acknowledgement, at the events of 200 orders a second.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from uuid import UUID

import asyncpg
import uvloop
from confluent_kafka import Consumer, Producer
from sqlalchemy import make_url

from benchmarks.database import database_server
from caddy_shopping.kernel.clock import SystemClock
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.unit_of_work import UnitOfWork
from caddy_shopping.platform.cache.alone import MemoryCache
from caddy_shopping.platform.cache.metrics import CacheMetrics
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.events.consumer import on
from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.kafka.bus import AT_ONCE, KafkaBus
from caddy_shopping.platform.events.kafka.cluster import Cluster
from caddy_shopping.platform.events.reactions import Subscription
from caddy_shopping.platform.events.relay import OTHERS_FIRST, Relay
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Kit
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.support import toy
from tests.support.brokers import Kafka
from tests.support.servers import ENGINES
from tests.support.toy import Counted, SqlToyTransaction

BATCH = 100
CONNECTIONS = 10
ORDERS_PER_SECOND, EVENTS_OF_AN_ORDER = 200, 2


class TimedBus(KafkaBus):
    """Notes when each event was acknowledged."""

    acknowledged: dict[UUID, float]

    async def publish(self, event: Envelope) -> None:
        await super().publish(event)
        self.acknowledged[event.key] = time.perf_counter()


@dataclass
class Line:
    """A context with a relay and one consumer that does nothing but take note in its inbox."""

    bus: TimedBus
    relay: Relay
    uow: UnitOfWork[SqlToyTransaction]
    taken: int = 0

    async def take(self, _: Counted) -> None:
        async with self.uow():
            pass
        self.taken += 1

    async def emit(self, keys: Sequence[UUID]) -> None:
        async with self.uow() as tx:
            for number, key in enumerate(keys):
                tx.publish(Counted(counter_id=key, value=number))


async def line_on(database: Database, cluster: Cluster) -> Line:
    clock, metrics = SystemClock(), Metrics()
    bus = TimedBus(cluster, ["toy"], metrics, at_once=AT_ONCE if database.dialect == "sqlite" else CONNECTIONS)
    bus.acknowledged = {}
    relay = Relay("toy", database, toy.platform_tables, bus, clock, metrics, OTHERS_FIRST)
    run = Executor("toy", database, toy.platform_tables, clock, metrics)
    cache = MemoryCache(CacheMetrics(metrics.registry), lambda tags: None)
    kit = Kit("toy", database, toy.platform_tables, clock, run, relay.wake, cache)
    made = Line(bus, relay, kit.unit_of_work(SqlToyTransaction))
    consumer = on(Counted, "toy.take", made.take, lambda event: event, together=True)
    letters = DeadLetters(database, toy.platform_tables, clock)
    bus.subscribe([Subscription(consumer, run, bus.graveyard(letters))])
    return made


async def throughput(line: Line, events: int) -> tuple[float, float]:
    """Events a second, from the first transaction to the last inbox row; milliseconds of this process's CPU each."""
    keys = [new_id() for _ in range(events // 4)]
    before, began, used = line.taken, time.perf_counter(), time.process_time()
    for first in range(0, events, BATCH):
        await line.emit([keys[number % len(keys)] for number in range(first, first + BATCH)])
    while line.taken - before < events:
        await asyncio.sleep(0.01)
    return events / (time.perf_counter() - began), 1000 * (time.process_time() - used) / events


async def delays(line: Line, seconds: float) -> list[float]:
    """From each commit to its last acknowledgement, in milliseconds."""
    committed: dict[UUID, float] = {}
    began = time.perf_counter()

    async def order(number: int) -> None:
        await asyncio.sleep(max(began + number / ORDERS_PER_SECOND - time.perf_counter(), 0))
        key = new_id()
        await line.emit([key] * EVENTS_OF_AN_ORDER)
        committed[key] = time.perf_counter()

    await asyncio.gather(*(order(number) for number in range(int(seconds * ORDERS_PER_SECOND))))
    await line.relay.drained()
    return [1000 * (line.bus.acknowledged[key] - moment) for key, moment in committed.items()]


def bare_kafka(cluster: Cluster, events: int) -> float:
    """Records a second of the client alone: brought, acknowledged and fetched."""
    topic = cluster.topic("bare")
    asyncio.run(cluster.make_topics(["bare"]))
    producer = Producer(cluster.client(enable_idempotence=True, linger_ms=5))
    consumer = Consumer(cluster.client(group_id="bare", auto_offset_reset="earliest"))
    consumer.subscribe([topic])
    consumer.poll(5)
    payload = b'{"counterId":"01a21898-ab50-7427-bbdc-0e7a9cf14a33","value":1}'
    headers = {"event-id": str(new_id()), "type": "Counted", "schema-version": "1", "occurred-at": "2026-01-01T00:00"}
    began, fetched = time.perf_counter(), 0
    for number in range(events):
        producer.produce(topic, payload, str(number), headers=headers)  # type: ignore[arg-type]
        producer.poll(0)
    producer.flush()
    while fetched < events:
        fetched += len(consumer.consume(BATCH, 0.1))
    seconds = time.perf_counter() - began
    consumer.close()
    return events / seconds


async def bare_inbox(url: str, rows: int) -> float:
    """Inbox rows a second of the bare driver, a transaction for each, on as many connections as a process has."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    left = iter(range(rows))

    async def insert() -> None:
        connection = await asyncpg.connect(plain)
        statement = await connection.prepare(
            "INSERT INTO toy_inbox (consumer, event_id, handled_at) VALUES ($1, $2, now())"
        )
        for _ in left:
            async with connection.transaction():
                await statement.fetch("bare", new_id())
        await connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(insert() for _ in range(CONNECTIONS)))
    return rows / (time.perf_counter() - began)


@asynccontextmanager
async def running(database: Database, cluster: Cluster, *, consume: bool) -> AsyncIterator[Line]:
    line = await line_on(database, cluster)
    await line.bus.start(consume=consume)
    line.relay.start()
    yield line
    await line.bus.leave()
    line.bus.stop()
    await line.relay.stop()
    await line.bus.close()


async def measure(url: str, cluster: Cluster, options: argparse.Namespace) -> None:
    database = open_database(url)
    async with database.writer.begin() as connection:
        await connection.run_sync(toy.metadata.create_all)
    async with running(database, cluster, consume=True) as line:
        await throughput(line, BATCH)  # until the group has its partitions
        rate, cpu = await throughput(line, options.events)
    print(f"outbox → Kafka → inbox: {rate:,.0f} events a second, {cpu:.2f} ms of this process's CPU each", flush=True)
    if make_url(url).get_backend_name() == "postgresql":
        print(f"bare driver, inbox rows alone: {await bare_inbox(url, options.events):,.0f} a second", flush=True)
    # As in an API process, whose consumers are elsewhere.
    async with running(database, cluster, consume=False) as line:
        found = quantiles(await delays(line, options.seconds), n=100)
    print(f"commit → acknowledged at {ORDERS_PER_SECOND} orders/s: p50 {found[49]:.1f} ms, p99 {found[98]:.1f} ms")
    await database.close()


def main(options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(database_server(options.database))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        broker = stack.enter_context(Kafka())
        cluster = Cluster(broker.url, partitions=6, session=timedelta(seconds=6))
        url = server.new_database("events") if server else f"sqlite:///{Path(folder) / 'shop.db'}"
        uvloop.run(measure(url, cluster, options))
        print(f"bare client, brought and fetched: {bare_kafka(cluster, options.events):,.0f} records a second")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("--database", choices=["SQLite", *ENGINES], default="SQLite")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10, help="of the delay's measurement")
    return parser.parse_args()


if __name__ == "__main__":
    main(parse())
