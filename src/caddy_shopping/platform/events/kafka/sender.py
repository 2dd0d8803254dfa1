"""Brings records to Kafka, and says when a broker has them on all replicas."""

import asyncio
from collections.abc import Mapping
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Producer

from caddy_shopping.platform.events.kafka.cluster import Cluster
from caddy_shopping.platform.events.reactions import DeliveryStopped

STOP_SECONDS = 3.0
"""How long a stopping process waits for acknowledgements under way."""
LISTEN = 0.002
"""Seconds between two looks for acknowledgements, while some are awaited.

In the loop itself: a thread for it was no faster, and had to hand each of them over to the loop.
"""


class Sender:
    """An idempotent producer, acknowledged by all replicas. Its `start` and `stop` are called on the event loop."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._producer: Producer | None = None
        self._listening: asyncio.TimerHandle | None = None
        self._stopped = False
        self._pending: set[asyncio.Future[None]] = set()

    def start(self) -> None:
        """Make the producer; returns at once, whether or not a broker is there."""
        self._producer = Producer(
            self._cluster.client(
                enable_idempotence=True,
                # Without it an event is there 5 ms sooner, and fewer get through.
                linger_ms=5,
                delivery_timeout_ms=30_000,
                # As clients in other languages choose, so that theirs and ours agree on where a key lies.
                partitioner="murmur2_random",
            )
        )

    async def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Mapping[str, str]) -> None:
        """Return once it is acknowledged.

        Raises `KafkaException` where no broker took it in 30 s, and `DeliveryStopped` while the process ends.
        """
        if self._producer is None or self._stopped:
            raise DeliveryStopped
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._producer.produce(topic, value, key, on_delivery=partial(_settle, future), headers=dict(headers))
        self._pending.add(future)
        if self._listening is None:
            self._listen()
        try:
            await future
        finally:
            self._pending.discard(future)

    def stop(self) -> None:
        """Give what is under way a moment; then it is the next process's, which may send it again."""
        if self._producer is not None and not self._stopped:
            asyncio.get_running_loop().call_later(STOP_SECONDS, self._give_up)
        self._stopped = True

    async def close(self) -> None:
        """After everything that publishes has ended."""
        if self._listening is not None:
            self._listening.cancel()

    def _give_up(self) -> None:
        for future in self._pending:
            if not future.done():
                future.set_exception(DeliveryStopped())

    def _listen(self) -> None:
        """Settle what was acknowledged, and look again as long as there is anything under way."""
        self._listening = None
        if self._producer is not None and self._pending:
            self._producer.poll(0)
            self._listening = asyncio.get_running_loop().call_later(LISTEN, self._listen)


def _settle(future: asyncio.Future[None], error: KafkaError | None, _: object) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(KafkaException(error))
