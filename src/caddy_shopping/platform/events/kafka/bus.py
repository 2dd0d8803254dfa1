"""Everything of Kafka that one process runs: the producer, its part of each group, and the topics made at start."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

import structlog
from confluent_kafka import KafkaException

from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.kafka.cluster import Cluster
from caddy_shopping.platform.events.kafka.dead_letters import DeadLetterTopic, KafkaDeadLetters
from caddy_shopping.platform.events.kafka.group import Group
from caddy_shopping.platform.events.kafka.history import history
from caddy_shopping.platform.events.kafka.records import headers_of, key_of
from caddy_shopping.platform.events.kafka.sender import Sender
from caddy_shopping.platform.events.reactions import Reactions, Subscription
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.spans import Spans

log = structlog.get_logger("kafka")
AT_ONCE = 64
AGAIN = 2.0


class KafkaBus:
    """The bus of an installation with `SHOP_KAFKA_BROKERS`.

    It keeps no order by itself: a relay publishes an aggregate's next event once the one before is acknowledged.
    """

    shared = True

    def __init__(
        self,
        cluster: Cluster,
        contexts: Sequence[str],
        metrics: Metrics,
        *,
        at_once: int = AT_ONCE,
        spans: Spans | None = None,
    ) -> None:
        """`at_once` bounds the reactions that run at the same time in this process; what more there is waits."""
        self.cluster = cluster
        self._sender = Sender(cluster)
        self._contexts = contexts
        self._metrics = metrics
        self._spans = spans
        self._unreadable = DeadLetterTopic(self._sender, cluster)
        self._limit = asyncio.Semaphore(at_once)
        self._reactions: dict[tuple[str, str], Reactions] = {}
        self._groups: list[Group] = []
        self._opening: asyncio.Task[None] | None = None

    async def publish(self, event: Envelope) -> None:
        """Raises `KafkaException` where no broker took it in 30 s, and `DeliveryStopped` while the process ends."""
        await self._sender.send(self.cluster.topic(event.topic), key_of(event), event.payload, headers_of(event))

    def graveyard(self, letters: DeadLetters) -> KafkaDeadLetters:
        """Where a context's consumers leave what they cannot take."""
        return KafkaDeadLetters(letters, self._unreadable)

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """All reactions of a context to one topic share a group, so that they see an order's events in their order."""
        for subscription in subscriptions:
            where = (subscription.consumer.context, subscription.consumer.event.topic)
            reactions = self._reactions.setdefault(where, Reactions(self._metrics, self._limit, self._spans))
            reactions.subscribe([subscription])

    async def react(self, event: Envelope, stopping: asyncio.Event) -> None:
        for (_, topic), reactions in self._reactions.items():
            if topic == event.topic:
                await reactions.deliver(event, stopping)

    def history(self, topic: str, since: datetime | None) -> AsyncIterator[Envelope]:
        return history(self.cluster, topic, since)

    async def start(self, *, consume: bool) -> None:
        self._sender.start()
        self._opening = asyncio.create_task(self._open(consume), name="kafka-open")

    async def leave(self) -> None:
        """Finish what is being handled, commit, and hand over to others."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await asyncio.gather(*(group.stop() for group in self._groups))

    def stop(self) -> None:
        self._sender.stop()

    async def close(self) -> None:
        await self._sender.close()

    async def reachable(self) -> None:
        await self.cluster.ping()

    async def _open(self, consume: bool) -> None:
        while True:
            try:
                await self.cluster.make_topics(self._contexts)
                break
            except KafkaException as fault:
                log.warning("kafka.topics", error=repr(fault))
                await asyncio.sleep(AGAIN)
        if not consume:
            return
        for (context, topic), reactions in self._reactions.items():
            group = Group(context, topic, reactions, self.cluster, self._unreadable, self._metrics)
            group.start()
            self._groups.append(group)
