"""What a topic still has, read beside all consumer groups and without any trace in them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from time import monotonic
from typing import TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.aio import AIOConsumer

from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.kafka.cluster import ADMIN_SECONDS, BrokerUnavailable, Cluster
from caddy_shopping.platform.events.kafka.records import UnreadableRecord, envelope_of

log = structlog.get_logger("kafka")
_BEING_MADE = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
)
T = TypeVar("T")
BATCH = 500


async def history(cluster: Cluster, topic: str, since: datetime | None) -> AsyncIterator[Envelope]:
    """The events that were brought there from `since` on, up to now; those of one key in their order.

    Raises `BrokerUnavailable`.
    """
    config = cluster.client(
        group_id=cluster.group("replay", topic), enable_auto_commit=False, enable_partition_eof=True
    )
    consumer = AIOConsumer(config, max_workers=2)
    try:
        waiting = await _once_made(lambda: _beginnings(consumer, cluster.topic(topic), since))
        await consumer.assign([TopicPartition(cluster.topic(topic), *span) for span in _starts(waiting)])
        while waiting:
            for message in await consumer.consume(BATCH, 0.2):
                number, error = message.partition(), message.error()
                if error is not None:
                    if error.code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(error)
                    waiting.pop(number, None)
                    continue
                if number not in waiting or message.offset() >= waiting[number][1]:
                    continue  # it came after we were asked
                if message.offset() + 1 >= waiting[number][1]:
                    del waiting[number]
                try:
                    yield envelope_of(message, topic)
                except UnreadableRecord as fault:
                    log.warning("event.unreadable", error=str(fault))
    except KafkaException as fault:
        raise BrokerUnavailable(brokers=cluster.brokers) from fault
    finally:
        await consumer.close()


def _starts(spans: dict[int, tuple[int, int]]) -> list[tuple[int, int]]:
    return [(number, begin) for number, (begin, _) in spans.items()]


async def _beginnings(consumer: AIOConsumer, topic: str, since: datetime | None) -> dict[int, tuple[int, int]]:
    """For each partition that has something: its first offset to read, and the one after its last."""
    spans = {}
    found = (await consumer.list_topics(topic, ADMIN_SECONDS)).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    for number in found.partitions:
        low, high = await consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=ADMIN_SECONDS)
        spans[number] = (low, high)
    if since is not None:
        moment = int(since.timestamp() * 1000)
        asked = [TopicPartition(topic, number, moment) for number in spans]
        for each in await consumer.offsets_for_times(asked, timeout=ADMIN_SECONDS):
            # Below zero: there is nothing so late.
            low, high = spans[each.partition]
            spans[each.partition] = (max(each.offset, low) if each.offset >= 0 else high, high)
    return {number: span for number, span in spans.items() if span[0] < span[1]}


async def _once_made(look: Callable[[], Awaitable[T]]) -> T:
    """Look at a topic, and again where it is being made at this moment."""
    end = monotonic() + ADMIN_SECONDS
    while True:
        try:
            return await look()
        except KafkaException as fault:
            if fault.args[0].code() not in _BEING_MADE or monotonic() > end:
                raise
        await asyncio.sleep(0.1)
