"""Dead letters on Kafka: beside the table that people work with, a topic for whoever watches from outside."""

import structlog

from caddy_shopping.platform.events.dead_letters import DEAD_LETTERS, DeadLetters
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.kafka.cluster import Cluster
from caddy_shopping.platform.events.kafka.records import Record, headers_of, key_of, origin_of
from caddy_shopping.platform.events.kafka.sender import Sender

log = structlog.get_logger("kafka")


class DeadLetterTopic:
    """Each record has key, value and headers of the one that could not be taken.

    Besides `consumer`, `error`, `attempts` and `origin` (topic, partition and offset).
    """

    def __init__(self, sender: Sender, cluster: Cluster) -> None:
        self._sender = sender
        self._topic = cluster.topic(DEAD_LETTERS)

    async def add(self, consumer: str, event: Envelope, fault: BaseException, attempts: int) -> None:
        said = _said(consumer, fault, attempts, event.origin)
        await self._sender.send(self._topic, key_of(event), event.payload, headers_of(event) | said)

    async def add_record(self, group: str, message: Record, fault: Exception) -> None:
        """A record that is no event at all: here alone, since nothing could replay it."""
        log.error("event.unreadable", group=group, origin=origin_of(message), error=str(fault))
        said = _said(group, fault, 1, origin_of(message))
        await self._sender.send(self._topic, message.key(), message.value(), said)


class KafkaDeadLetters:
    """The table first, which the command line reads, then the topic."""

    def __init__(self, table: DeadLetters, topic: DeadLetterTopic) -> None:
        self._table = table
        self._topic = topic

    async def add(self, consumer: str, event: Envelope, fault: BaseException, attempts: int) -> None:
        """A crash in between tells the topic twice."""
        await self._table.add(consumer, event, fault, attempts)
        await self._topic.add(consumer, event, fault, attempts)


def _said(consumer: str, fault: BaseException, attempts: int, origin: str) -> dict[str, str]:
    return {
        "consumer": consumer,
        "error": f"{type(fault).__name__}: {fault}",
        "attempts": str(attempts),
        "origin": origin,
    }
