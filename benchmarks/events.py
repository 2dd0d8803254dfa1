"""How fast do events travel? `python -m benchmarks.events --database PostgreSQL`

Outbox → relay → Kafka → consumer → inbox, all in one process, with transactions of a hundred events: with a consumer
whose transactions are shared, and one that has one for each event. Beside it, in turns, the ceiling: the bare driver
that says the same statements in the same batches, then the bare client that brings and fetches the same records. A
first round, after the broker's start, is not counted.

Then the delay from commit to the broker's acknowledgement of the last of an order's events, at 200 orders a second,
and beside it that of the bare client alone.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from uuid import UUID

import structlog
import uvloop

from benchmarks import bare_events
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


async def line_on(database: Database, cluster: Cluster, *, together: bool) -> Line:
    clock, metrics = SystemClock(), Metrics()
    bus = TimedBus(cluster, ["toy"], metrics, at_once=AT_ONCE if database.dialect == "sqlite" else CONNECTIONS)
    bus.acknowledged = {}
    relay = Relay("toy", database, toy.platform_tables, bus, clock, metrics, OTHERS_FIRST)
    run = Executor("toy", database, toy.platform_tables, clock, metrics)
    cache = MemoryCache(CacheMetrics(metrics.registry), lambda tags: None)
    kit = Kit("toy", database, toy.platform_tables, clock, run, relay.wake, cache)
    made = Line(bus, relay, kit.unit_of_work(SqlToyTransaction))
    consumer = on(Counted, "toy.take", made.take, lambda event: event, together=together)
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


@asynccontextmanager
async def running(
    database: Database, cluster: Cluster, *, consume: bool = True, together: bool = True
) -> AsyncIterator[Line]:
    line = await line_on(database, cluster, together=together)
    await line.bus.start(consume=consume)
    line.relay.start()
    yield line
    await line.bus.leave()
    line.bus.stop()
    await line.relay.stop()
    await line.bus.close()


async def ways(url: str, cluster: Cluster, options: argparse.Namespace) -> None:
    """The whole way, in turns with its ceiling."""
    database = open_database(url)
    async with running(database, cluster, together=True) as line:
        await throughput(line, options.events)  # not counted: a broker just started has its code still to compile
    for number in range(options.rounds):
        for name, together in (("transactions shared", True), ("one for each event", False)):
            async with running(database, cluster, together=together) as line:
                await throughput(line, BATCH)  # until the group has its partitions
                rate, cpu = await throughput(line, options.events)
            print(
                f"{number + 1}. {name}: {rate:,.0f} events a second, {cpu:.2f} ms of this process's CPU each",
                flush=True,
            )
        said = await asyncio.to_thread(bare_driver, url, database.dialect, options.events)
        carried = await asyncio.to_thread(bare_events.kafka, cluster, options.events, BATCH)
        ceiling = 1 / (1 / said + 1 / carried)
        print(
            f"   bare driver {said:,.0f}, bare client {carried:,.0f}, one after the other {ceiling:,.0f} a second",
            flush=True,
        )
    await database.close()


def bare_driver(url: str, dialect: str, events: int) -> float:
    if dialect == "sqlite":
        return bare_events.sqlite(Path(url.removeprefix("sqlite:///")), events, BATCH)
    return asyncio.run(bare_events.postgresql(url, events, BATCH))


async def waits(url: str, cluster: Cluster, options: argparse.Namespace) -> None:
    """From commit to acknowledgement, in turns with the bare client's."""
    database = open_database(url)
    for number in range(options.rounds):
        # As in an API process, whose consumers are elsewhere.
        async with running(database, cluster, consume=False) as line:
            await delays(line, 1)
            ours = quantiles(await delays(line, options.seconds), n=100)
        bare = await asyncio.to_thread(
            bare_events.acknowledgements, cluster, ORDERS_PER_SECOND, EVENTS_OF_AN_ORDER, options.seconds
        )
        theirs = quantiles(bare, n=100)
        print(
            f"{number + 1}. commit → acknowledged at {ORDERS_PER_SECOND} orders/s: p50 {ours[49]:.1f} ms, "
            f"p99 {ours[98]:.1f} ms; bare client: p50 {theirs[49]:.1f} ms, p99 {theirs[98]:.1f} ms",
            flush=True,
        )
    await database.close()


async def measure(url: str, cluster: Cluster, options: argparse.Namespace) -> None:
    database = open_database(url)
    async with database.writer.begin() as connection:
        await connection.run_sync(toy.metadata.create_all)
    await database.close()
    await ways(url, cluster, options)
    await waits(url, cluster, options)


def main(options: argparse.Namespace) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with ExitStack() as stack:
        server = stack.enter_context(database_server(options.database))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        broker = stack.enter_context(Kafka())
        cluster = Cluster(broker.url, partitions=6, session=timedelta(seconds=6))
        url = server.new_database("events") if server else f"sqlite:///{Path(folder) / 'shop.db'}"
        uvloop.run(measure(url, cluster, options))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("--database", choices=["SQLite", *ENGINES], default="SQLite")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement of the delay")
    parser.add_argument("--rounds", type=int, default=3, help="in which ours and the ceiling take turns")
    return parser.parse_args()


if __name__ == "__main__":
    main(parse())
