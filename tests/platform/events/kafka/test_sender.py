"""Bringing records: acknowledgements are heard while any is awaited, and only then."""

import asyncio

import pytest
from confluent_kafka import KafkaException

from caddy_shopping.platform.events.kafka import sender as module
from caddy_shopping.platform.events.kafka.cluster import Cluster
from caddy_shopping.platform.events.kafka.sender import Sender
from caddy_shopping.platform.events.reactions import DeliveryStopped
from tests.support.brokers import Tansu
from tests.support.kafka_of_this_run import BROKERS_OF_THIS_RUN


@pytest.fixture
async def cluster() -> Cluster:
    made = BROKERS_OF_THIS_RUN.new_cluster(Tansu.name)
    await made.make_topics(["toy"])
    return made


async def test_each_is_told_of_its_acknowledgement(cluster: Cluster) -> None:
    sender = Sender(cluster)
    sender.start()
    topic = cluster.topic("toy")
    async with asyncio.timeout(20):
        for _ in range(3):
            await asyncio.gather(*(sender.send(topic, b"key", b"value", {}) for _ in range(100)))
    await asyncio.sleep(3 * module.LISTEN)
    assert sender._listening is None, "nothing is awaited, so nobody looks"
    await sender.close()


async def test_what_is_refused_is_said(cluster: Cluster) -> None:
    sender = Sender(cluster)
    sender.start()
    with pytest.raises(KafkaException):
        await sender.send(cluster.topic("toy"), b"key", b"x" * 2_000_000, {})
    await sender.close()


async def test_a_stop_gives_what_is_under_way_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.05)
    sender = Sender(Cluster("127.0.0.1:1"))
    sender.start()
    sending = asyncio.create_task(sender.send("toy", b"key", b"value", {}))
    await asyncio.sleep(0.01)
    sender.stop()
    async with asyncio.timeout(5):
        with pytest.raises(DeliveryStopped):
            await sending
        with pytest.raises(DeliveryStopped):
            await sender.send("toy", b"key", b"value", {})
    await sender.close()
