"""Brings records to Kafka, and says when a broker has them on all replicas."""

import asyncio
import threading
from collections.abc import Mapping
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Producer

from caddy_shopping.platform.events.kafka.cluster import Cluster
from caddy_shopping.platform.events.reactions import DeliveryStopped

STOP_SECONDS = 3.0
"""How long a stopping process waits for acknowledgements under way."""
_Sent = tuple[asyncio.Future[None], KafkaError | None]


class Sender:
    """An idempotent producer, acknowledged by all replicas. Its `start` and `stop` are called on the event loop."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._producer: Producer | None = None
        self._thread: threading.Thread | None = None
        self._open = True
        self._stopped = False
        self._settled: list[_Sent] = []
        self._pending: set[asyncio.Future[None]] = set()

    def start(self) -> None:
        """Make the producer; returns at once, whether or not a broker is there."""
        self._producer = Producer(
            self._cluster.client(
                enable_idempotence=True,
                linger_ms=5,
                delivery_timeout_ms=30_000,
                # As clients in other languages choose, so that theirs and ours agree on where a key lies.
                partitioner="murmur2_random",
            )
        )
        serve = partial(self._serve, self._producer, asyncio.get_running_loop())
        self._thread = threading.Thread(target=serve, name="kafka-producer", daemon=True)
        self._thread.start()

    async def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Mapping[str, str]) -> None:
        """Return once it is acknowledged.

        Raises `KafkaException` where no broker took it in 30 s, and `DeliveryStopped` while the process ends.
        """
        if self._producer is None or self._stopped:
            raise DeliveryStopped
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._producer.produce(
            topic, value, key, on_delivery=partial(self._acknowledged, future), headers=dict(headers)
        )
        self._pending.add(future)
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
        self._open = False
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _give_up(self) -> None:
        for future in self._pending:
            if not future.done():
                future.set_exception(DeliveryStopped())

    def _acknowledged(self, future: asyncio.Future[None], error: KafkaError | None, _: object) -> None:
        self._settled.append((future, error))

    def _serve(self, producer: Producer, loop: asyncio.AbstractEventLoop) -> None:
        """The thread that hears acknowledgements, and tells the loop of many at a time."""
        while self._open:
            producer.poll(0.1)
            if self._settled:
                settled, self._settled = self._settled, []
                loop.call_soon_threadsafe(_tell, settled)


def _tell(settled: list[_Sent]) -> None:
    for future, error in settled:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(KafkaException(error))
