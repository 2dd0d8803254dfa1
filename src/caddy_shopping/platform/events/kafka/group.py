"""One consumer group: what one context does about the events of one topic, shared by all processes that run it.

An offset is committed only after everything before it was handled, with its inbox row, or buried. So a crash at any
moment means that events come again, and the inbox knows them.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic

import structlog
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.aio import AIOConsumer

from caddy_shopping.platform.events.kafka.cluster import Cluster
from caddy_shopping.platform.events.kafka.dead_letters import DeadLetterTopic
from caddy_shopping.platform.events.kafka.partition import Partition, Work
from caddy_shopping.platform.events.kafka.records import Record, UnreadableRecord, envelope_of, kind_of
from caddy_shopping.platform.events.reactions import Reactions
from caddy_shopping.platform.telemetry.metrics import Metrics

log = structlog.get_logger("kafka")
BATCH = 100
WINDOW = 500
"""Records under way in one group of one process."""
POLL = 0.5
COMMIT_AFTER = 1.0
PATIENCE = 5.0
"""Seconds that the group waits for room before it tells Kafka that it takes nothing for now."""


class Group:
    """The part of a group that runs in this process."""

    def __init__(
        self,
        context: str,
        topic: str,
        reactions: Reactions,
        cluster: Cluster,
        unreadable: DeadLetterTopic,
        metrics: Metrics,
    ) -> None:
        self.name = f"{context}.{topic}"
        self._topic = topic
        self._reactions = reactions
        self._unreadable = unreadable
        self._lag = metrics.lag.labels(self.name)
        self._config = cluster.client(
            group_id=cluster.group(context, topic),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            partition_assignment_strategy="cooperative-sticky",
            session_timeout_ms=int(cluster.session.total_seconds() * 1000),
            heartbeat_interval_ms=int(cluster.session.total_seconds() * 1000 / 10),
            # Enough for some batches: what is fetched ahead and not handled is fetched again after a hand-over.
            queued_max_messages_kbytes=4096,
        )
        self._full_topic = cluster.topic(topic)
        self._partitions: dict[int, Partition] = {}
        self._committed: dict[int, int] = {}
        self._committed_at = monotonic()
        self._room = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"group-{self.name}")

    async def stop(self) -> None:
        """Finish what is being handled, commit, and leave the group, so that others take over at once."""
        self._stopping.set()
        self._room.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        # Two: a callback during one call makes another.
        with ThreadPoolExecutor(2, thread_name_prefix=f"kafka-{self.name}") as threads:
            consumer = AIOConsumer(self._config, executor=threads)
            try:
                await consumer.subscribe(
                    [self._full_topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
                )
                while not self._stopping.is_set():
                    try:
                        await self._turn(consumer)
                    except KafkaException as fault:
                        log.warning("kafka.unavailable", group=self.name, error=repr(fault))
                        await asyncio.sleep(POLL)
            finally:
                # Calls `_revoked` with whatever we have.
                await consumer.close()

    async def _turn(self, consumer: AIOConsumer) -> None:
        if not await self._has_room(PATIENCE):
            await self._hold(consumer)
        first = await consumer.poll(POLL)
        if first is not None:
            self._take(first)
            for message in await consumer.consume(BATCH - 1, 0):
                self._take(message)
        if monotonic() - self._committed_at > COMMIT_AFTER:
            await self._commit(consumer, self._partitions, asynchronous=True)
            await self._measure(consumer)

    def _take(self, message: Record) -> None:
        """Nothing that was fetched may be left out: committing a later offset would lose it."""
        error, number, offset = message.error(), message.partition(), message.offset()
        if error is not None:
            log.warning("kafka.unavailable", group=self.name, error=error.str())
            return
        partition = self._partitions.get(-1 if number is None else number)
        if partition is None or offset is None:
            return  # it was fetched before the partition became another's
        if self._reactions.to(self._topic, kind_of(message)):
            partition.take(offset, message.key(), self._work(message))
        else:
            partition.skip(offset)

    def _work(self, message: Record) -> Work:
        try:
            return partial(self._reactions.deliver, envelope_of(message, self._topic))
        except UnreadableRecord as fault:
            unreadable = fault

        async def bury(_: asyncio.Event) -> None:
            await self._unreadable.add_record(self.name, message, unreadable)

        return bury

    async def _has_room(self, patience: float) -> bool:
        """Wait until there is room for a batch; False where there is none in time."""
        deadline = monotonic() + patience
        while sum(each.under_way for each in self._partitions.values()) > WINDOW - BATCH:
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), max(deadline - monotonic(), 0))
            except TimeoutError:
                return False
            if self._stopping.is_set():
                return False
        return True

    async def _hold(self, consumer: AIOConsumer) -> None:
        """Take nothing, but stay a living member of the group, until there is room."""
        held = await consumer.assignment()
        await consumer.pause(held)
        while not self._stopping.is_set() and not await self._has_room(POLL):
            if (message := await consumer.poll(0)) is not None:
                self._take(message)  # of a partition that we got meanwhile
            await self._commit(consumer, self._partitions, asynchronous=True)
        await consumer.resume([each for each in await consumer.assignment() if each in held])

    async def _assigned(self, _: AIOConsumer, assigned: list[TopicPartition]) -> None:
        for each in assigned:
            self._partitions[each.partition] = Partition(self._room.set)
            self._committed.pop(each.partition, None)
        log.info("kafka.assigned", group=self.name, partitions=[each.partition for each in assigned])

    async def _revoked(self, consumer: AIOConsumer, revoked: list[TopicPartition]) -> None:
        """Another takes over: it begins after what we have finished."""
        gone = await self._leave(revoked)
        await self._commit(consumer, gone, asynchronous=False)

    async def _lost(self, _: AIOConsumer, lost: list[TopicPartition]) -> None:
        """Another has taken over already: what we finish now, it finds in the inbox."""
        await self._leave(lost)

    async def _leave(self, leaving: list[TopicPartition]) -> dict[int, Partition]:
        gone = {
            each.partition: self._partitions.pop(each.partition)
            for each in leaving
            if each.partition in self._partitions
        }
        await asyncio.gather(*(partition.leave() for partition in gone.values()))
        return gone

    async def _commit(self, consumer: AIOConsumer, partitions: dict[int, Partition], *, asynchronous: bool) -> None:
        self._committed_at = monotonic()
        done = {number: each.done for number, each in partitions.items()}
        news = {number: offset for number, offset in done.items() if offset not in (None, self._committed.get(number))}
        if not news:
            return
        offsets = [TopicPartition(self._full_topic, number, offset or 0) for number, offset in news.items()]
        try:
            await consumer.commit(offsets=offsets, asynchronous=asynchronous)
        except KafkaException as fault:
            # Then they come again.
            log.warning("kafka.uncommitted", group=self.name, error=repr(fault))
        else:
            self._committed.update({number: offset or 0 for number, offset in news.items()})

    async def _measure(self, consumer: AIOConsumer) -> None:
        """How many records of our partitions are not done, as far as the last fetch knows."""
        lag = 0
        for number, partition in list(self._partitions.items()):
            ends = await consumer.get_watermark_offsets(TopicPartition(self._full_topic, number), cached=True)
            if ends is not None and partition.done is not None:
                lag += max(ends[1] - partition.done, 0)
        self._lag.set(lag)
