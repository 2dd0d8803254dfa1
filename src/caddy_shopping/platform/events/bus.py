"""Delivery inside one process: every event to every consumer that asked for it.

Through the same outbox and inbox as with Kafka, so that a crash between any two steps only means
that a step is tried again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
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
PAUSES = (0.05, 0.2, 1.0, 5.0, 15.0)
"""Seconds between the tries of a failing reaction; after the last it is a dead letter."""


class Bus(Protocol):
    """Where a relay brings events."""

    async def publish(self, event: Envelope) -> None:
        """Return once the event is in safe hands: handled, or kept as a dead letter."""
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

    def __init__(self, metrics: Metrics, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._subscriptions: dict[tuple[str, str], list[Subscription]] = {}
        self._metrics = metrics
        self._sleep = sleep

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        for subscription in subscriptions:
            event = subscription.consumer.event
            self._subscriptions.setdefault((event.topic, event.__name__), []).append(subscription)

    async def publish(self, event: Envelope) -> None:
        token = trace.continue_from(event.traceparent)
        try:
            for subscription in self._subscriptions.get((event.topic, event.type), ()):
                await self._deliver(subscription, event)
        finally:
            trace.current.reset(token)

    async def _deliver(self, subscription: Subscription, event: Envelope) -> None:
        name = subscription.consumer.name
        for attempt, pause in enumerate((*PAUSES, None), start=1):
            try:
                fresh = await subscription.handle(event)
            except Exception as fault:
                if pause is None or not _worth_another_try(fault):
                    await subscription.bury(event, fault, attempt)
                    self._metrics.events.labels(name, "dead").inc()
                    log.exception("event.dead", consumer=name, event_id=str(event.event_id), event_type=event.type)
                    return
                self._metrics.events.labels(name, "retried").inc()
                log.warning(
                    "event.retry", consumer=name, event_id=str(event.event_id), attempt=attempt, error=repr(fault)
                )
                await self._sleep(pause * random.uniform(0.5, 1.0))
            else:
                self._metrics.events.labels(name, "handled" if fresh else "duplicate").inc()
                return


def _worth_another_try(fault: Exception) -> bool:
    """A refusal and an unreadable payload stay what they are; a fault, or a named "not now", may pass."""
    if isinstance(fault, ShopError):
        return fault.retryable
    return not isinstance(fault, msgspec.ValidationError)
