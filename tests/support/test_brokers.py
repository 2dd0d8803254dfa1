"""The private brokers: what they took survives `kill -9` where they promise that, and nothing is left behind."""

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.support.brokers import BROKERS, Broker, Kafka, missing
from tests.support.server import processes_in


def started(name: str) -> Broker:
    if reason := missing(name):
        pytest.skip(reason)
    return BROKERS[name]().start()


def read_all(broker: Broker, expected: int) -> list[bytes | None]:
    group = {"group.id": "one", "auto.offset.reset": "earliest", "session.timeout.ms": 3000}
    consumer = Consumer({"bootstrap.servers": broker.url, **group})
    consumer.subscribe(["notes"])
    found: list[bytes | None] = []
    try:
        while len(found) < expected:
            message = consumer.poll(10)
            assert message is not None, found
            assert message.error() is None
            found.append(message.value())
    finally:
        consumer.close()
    return found


def write(broker: Broker, *notes: bytes) -> None:
    producer = Producer({"bootstrap.servers": broker.url, "enable.idempotence": True, "linger.ms": 0})
    for note in notes:
        producer.produce("notes", note)
    assert producer.flush(20) == 0


@pytest.mark.parametrize("name", BROKERS)
def test_it_hands_out_what_it_took_and_is_gone_at_the_end(name: str) -> None:
    broker = started(name)
    try:
        client = AdminClient({"bootstrap.servers": broker.url})
        client.create_topics([NewTopic("notes", 1, 1)])["notes"].result(20)
        write(broker, b"one", b"two")
        if isinstance(broker, Kafka):
            broker.kill()
            broker.restart()
        assert read_all(broker, 2) == [b"one", b"two"]
    finally:
        broker.stop()
    assert processes_in(broker.folder) == []
    assert not broker.folder.exists()
