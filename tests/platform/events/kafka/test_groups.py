"""Groups against a real broker: hand-over between processes, dead letters on their topic, records that are not ours."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Consumer, Producer

from caddy_shopping.kernel.errors import NotFound
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.events.kafka.bus import KafkaBus
from caddy_shopping.platform.events.kafka.cluster import Cluster
from caddy_shopping.platform.events.kafka.history import history
from caddy_shopping.platform.events.kafka.records import Record, texts_of
from tests.platform.events.test_buses import Line
from tests.support.brokers import Kafka
from tests.support.database import Bench
from tests.support.kafka_of_this_run import BROKERS_OF_THIS_RUN


@pytest.fixture
def cluster() -> Cluster:
    return BROKERS_OF_THIS_RUN.new_cluster(Kafka.name)


@pytest.fixture
async def line(bench: Bench, cluster: Cluster) -> AsyncIterator[Line]:
    made = await process(bench, cluster)
    yield made
    await made.stop()


async def process(bench: Bench, cluster: Cluster) -> Line:
    made = Line(bench, lambda metrics: KafkaBus(cluster, ["toy"], metrics))
    await made.start()
    return made


def fetch(cluster: Cluster, topic: str, expected: int) -> list[Record]:
    consumer = Consumer(cluster.client(group_id=cluster.group("test", topic), auto_offset_reset="earliest"))
    consumer.subscribe([cluster.topic(topic)])
    found: list[Record] = []
    try:
        while len(found) < expected:
            message = consumer.poll(20)
            assert message is not None, found
            assert message.error() is None
            found.append(message)
    finally:
        consumer.close()
    return found


async def test_a_dead_letter_is_told_with_its_error_and_where_it_lay(line: Line, cluster: Cluster) -> None:
    key = new_id()
    line.faults[1] = [NotFound()]
    await line.emit((key, 1), (key, 2))
    await line.until(1)
    (message,) = await asyncio.to_thread(fetch, cluster, "dead-letters", 1)
    headers = texts_of(message)
    assert (message.key() or b"").decode() == str(key)
    assert (headers["consumer"], headers["attempts"], headers["type"]) == ("toy.note", "1", "Counted")
    assert headers["error"].startswith("NotFound")
    assert headers["origin"].startswith(cluster.topic("toy"))
    (letter,) = await line.letters.all()
    assert str(letter.envelope.event_id) == headers["event-id"]


async def test_a_record_that_is_no_event_is_put_aside_and_holds_nobody_up(line: Line, cluster: Cluster) -> None:
    await line.emit((new_id(), 1))
    await line.until(1)
    producer = Producer(cluster.client())
    producer.produce(cluster.topic("toy"), b"{", b"no uuid", headers={"type": "Counted"})
    producer.produce(cluster.topic("toy"), b"{}", b"of another kind", headers={"type": "Unheard"})
    producer.produce(cluster.topic("toy"), b"{}", b"without a type")
    await asyncio.to_thread(producer.flush, 10)
    (message,) = await asyncio.to_thread(fetch, cluster, "dead-letters", 1)
    assert (message.key(), message.value()) == (b"no uuid", b"{")
    assert texts_of(message)["error"].startswith("UnreadableRecord")
    await line.emit((new_id(), 2))
    await line.until(2)


async def test_two_processes_share_the_work_and_take_over_from_each_other(
    line: Line, bench: Bench, cluster: Cluster
) -> None:
    """Work goes on all the while; of each key, the order is kept across the hand-overs."""
    keys = [new_id() for _ in range(12)]
    numbers = iter(range(10_000))
    emitted = 0

    async def emit(rounds: int) -> None:
        nonlocal emitted
        for _ in range(rounds):
            await line.emit(*((key, next(numbers)) for key in keys))
            emitted += len(keys)
            await asyncio.sleep(0.02)

    await emit(10)
    await line.until(1)
    other = await process(bench, cluster)
    async with asyncio.timeout(60):
        while not other.order:
            await emit(1)
    await emit(20)
    await other.stop()
    await emit(10)
    async with asyncio.timeout(30):
        while len(await line.effects()) < emitted:
            await asyncio.sleep(0.05)
    assert set(await line.effects()) == {1}
    assert other.order
    for mine in (line.order, other.order):
        for key in keys:
            values = [value for each, value in mine if each == key]
            assert values == sorted(values)


async def test_a_topic_s_history_is_read_beside_its_groups(line: Line, cluster: Cluster) -> None:
    key = new_id()
    await line.emit(*((key, value) for value in range(20)))
    await line.until(20)
    assert [event.key async for event in history(cluster, "toy", None)] == [key] * 20
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert [event async for event in history(cluster, "toy", later)] == []
