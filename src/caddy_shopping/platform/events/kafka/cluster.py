"""The Kafka (or Redpanda) that this installation talks to, and what the shop's things are called there."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from caddy_shopping.kernel.errors import Unavailable
from caddy_shopping.platform.events.dead_letters import DEAD_LETTERS

KEPT = timedelta(days=14)
"""How long topics keep events: well within the time for which inboxes know them, so that a replay stays harmless."""
_SEGMENT = timedelta(days=1)
ADMIN_SECONDS = 10.0


class BrokerUnavailable(Unavailable):
    code = "BROKER_UNAVAILABLE"
    en = "No Kafka broker answers at {brokers}. Look whether one runs there, and at SHOP_KAFKA_BROKERS."
    zh = "{brokers} 上没有 Kafka 代理响应。请检查代理是否运行以及 SHOP_KAFKA_BROKERS 设置。"


@dataclass(frozen=True, slots=True)
class Cluster:
    """`options` are librdkafka's, for every client: security, mostly."""

    brokers: str
    prefix: str = ""
    partitions: int = 12
    replication: int = 1
    session: timedelta = timedelta(seconds=45)
    options: Mapping[str, str] = field(default_factory=dict)

    def topic(self, context: str) -> str:
        return self.prefix + context

    def group(self, context: str, topic: str) -> str:
        """One group for each (context, purpose): what a context does about the events of one topic."""
        return f"{self.prefix}{context}.{topic}"

    def client(self, **more: Any) -> dict[str, Any]:
        """The configuration of one client."""
        return {
            "bootstrap.servers": self.brokers,
            "client.id": "caddy-shopping",
            # A broker that is away is said once, by us.
            "log_level": 2,
            "reconnect.backoff.max.ms": 1000,
            **self.options,
            **{name.replace("_", "."): value for name, value in more.items()},
        }

    async def make_topics(self, contexts: Iterable[str]) -> None:
        """Make those that are missing, one for each context and one for dead letters.

        Raises `KafkaException` where no broker answers, or none may be made.
        """
        names = [self.topic(name) for name in (*contexts, DEAD_LETTERS)]
        await asyncio.to_thread(self._make, names)

    async def ping(self) -> None:
        """Raises `KafkaException` where no broker answers within a second."""
        await asyncio.to_thread(lambda: AdminClient(self.client()).list_topics(timeout=1.0))

    def _make(self, names: list[str]) -> None:
        client = AdminClient(self.client())
        known = client.list_topics(timeout=ADMIN_SECONDS).topics
        config = {"retention.ms": _milliseconds(KEPT), "segment.ms": _milliseconds(_SEGMENT)}
        new = [NewTopic(each, self.partitions, self.replication, config=config) for each in names if each not in known]
        if not new:
            return
        for made in client.create_topics(new, request_timeout=ADMIN_SECONDS).values():
            try:
                made.result()
            except KafkaException as fault:
                # Another process was quicker.
                if fault.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise


def _milliseconds(time: timedelta) -> str:
    return str(int(time.total_seconds() * 1000))
