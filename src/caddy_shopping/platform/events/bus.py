"""Delivery inside one process: every event to every consumer that asked for it.

Through the same outbox and inbox as with Kafka, so that a crash between any two steps only means
that a step is tried again.
"""

import asyncio
import random
from collections.abc import Iterable
from typing import Protocol

import msgspec
import structlog

from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.platform.events.consumer import Consumer
from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.telemetry import trace
from caddy_shopping.platform.telemetry.metrics import Metrics

log = structlog.get_logger("events")
AFTER_A_FAULT = (0.05, 0.2, 1.0)
"""Seconds between the tries of a reaction that broke: a bug does not go away, and others wait behind it."""
WHILE_UNAVAILABLE = (0.05, 0.2, 1.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds between the tries of a reaction that said "not now": what it needs will come back."""


class DeliveryStopped(Exception):
    """The process ends: the event stays where it is, for the next one."""


class Bus(Protocol):
    """Where a relay brings events."""

    async def publish(self, event: Envelope) -> None:
        """Return once the event is in safe hands: handled, or kept as a dead letter. Raises where it is not."""
        ...


class Subscription:
    """One consumer, with what runs it and where its dead letters go."""

    def __init__(self, consumer: Consumer, run: Executor, dead_letters: DeadLetters) -> None:
        self.consumer = consumer
        self._run = run
        self._dead_letters = dead_letters

    async def handle(self, event: Envelope) -> bool:
        """Run the reaction once. False where it had been handled before. Raises what the handler raises."""
        command = self.consumer.command(event.open(self.consumer.event))
        return await self._run.consume(self.consumer.name, event.event_id, self.consumer.handler, command)

    async def bury(self, event: Envelope, fault: BaseException, attempts: int) -> None:
        await self._dead_letters.add(self.consumer.name, event, fault, attempts)


class InProcessBus:
    """Hands each event to its consumers, one after another, with bounded, jittered retries."""

    def __init__(self, metrics: Metrics) -> None:
        self._subscriptions: dict[tuple[str, str], list[Subscription]] = {}
        self._metrics = metrics
        self._stopping = asyncio.Event()

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        for subscription in subscriptions:
            event = subscription.consumer.event
            self._subscriptions.setdefault((event.topic, event.__name__), []).append(subscription)

    def stop(self) -> None:
        """Wait for no other try: what fails now is left for the next process."""
        self._stopping.set()

    async def publish(self, event: Envelope) -> None:
        """Raises `DeliveryStopped` where a consumer would have to be tried again while the process ends."""
        token = trace.continue_from(event.traceparent)
        try:
            for subscription in self._subscriptions.get((event.topic, event.type), ()):
                await self._deliver(subscription, event)
        finally:
            trace.current.reset(token)

    async def _deliver(self, subscription: Subscription, event: Envelope) -> None:
        name, attempt = subscription.consumer.name, 0
        while True:
            attempt += 1
            try:
                fresh = await subscription.handle(event)
            except Exception as fault:
                pauses = _pauses(fault)
                if attempt > len(pauses):
                    await self._bury(subscription, event, fault, attempt)
                    return
                self._metrics.events.labels(name, "retried").inc()
                log.warning("event.retry", **_facts(name, event), attempt=attempt, error=repr(fault))
                await self._pause(pauses[attempt - 1])
            else:
                self._metrics.events.labels(name, "handled" if fresh else "duplicate").inc()
                return

    async def _bury(self, subscription: Subscription, event: Envelope, fault: Exception, attempts: int) -> None:
        name = subscription.consumer.name
        await subscription.bury(event, fault, attempts)
        self._metrics.events.labels(name, "dead").inc()
        log.error("event.dead", **_facts(name, event), attempts=attempts, exc_info=fault)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds * random.uniform(0.5, 1.0))
        except TimeoutError:
            return
        raise DeliveryStopped


def _pauses(fault: Exception) -> tuple[float, ...]:
    """How patient to be. A refusal and an unreadable payload stay what they are: no second try."""
    if isinstance(fault, ShopError):
        return WHILE_UNAVAILABLE if fault.retryable else ()
    return () if isinstance(fault, msgspec.ValidationError) else AFTER_A_FAULT


def _facts(consumer: str, event: Envelope) -> dict[str, str]:
    return {"consumer": consumer, "event_id": str(event.event_id), "event_type": event.type}
