"""What consumers do about an event, and how patiently: the same whatever brought it."""

import asyncio
import random
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import Protocol

import msgspec
import structlog

from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.platform.events.consumer import Consumer
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.spans import notes_of
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.telemetry import trace
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.spans import Kind, Span, Spans

log = structlog.get_logger("events")
AFTER_A_FAULT = (0.05, 0.2, 1.0)
"""Seconds between the tries of a reaction that broke: a bug does not go away, and others wait behind it."""
WHILE_UNAVAILABLE = (0.05, 0.2, 1.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds between the tries of a reaction that said "not now": what it needs will come back."""


class DeliveryStopped(Exception):
    """The process ends, or the event is another's now: it stays where it is."""


class Graveyard(Protocol):
    """Where events go that a consumer could not take."""

    async def add(self, consumer: str, event: Envelope, fault: BaseException, attempts: int) -> None:
        """Keep the event. Safe to call again. Raises where it could not be kept."""
        ...


class Subscription:
    """One consumer, with what runs it and where its dead letters go."""

    def __init__(self, consumer: Consumer, run: Executor, dead_letters: Graveyard) -> None:
        self.consumer = consumer
        self._run = run
        self._dead_letters = dead_letters

    async def handle(self, event: Envelope) -> bool:
        """Run the reaction once. False where it had been handled before. Raises what the handler raises."""
        command = self.consumer.command(event.open(self.consumer.event))
        return await self._run.consume(self.consumer.name, event.event_id, self.consumer.handler, command)

    async def handle_together(self, event: Envelope) -> bool:
        """Run it in one transaction with others. False where that is not for it, or failed: then `handle` it."""
        if not self.consumer.together:
            return False
        command = self.consumer.command(event.open(self.consumer.event))
        return await self._run.consume_together(self.consumer.name, event.event_id, self.consumer.handler, command)

    async def bury(self, event: Envelope, fault: BaseException, attempts: int) -> None:
        await self._dead_letters.add(self.consumer.name, event, fault, attempts)


class Reactions:
    """Hands an event to those who asked for its type, one after another, with bounded, jittered retries.

    `limit` bounds how many run at once.
    """

    def __init__(self, metrics: Metrics, limit: asyncio.Semaphore | None = None, spans: Spans | None = None) -> None:
        self._subscriptions: dict[tuple[str, str], list[Subscription]] = {}
        self._metrics = metrics
        self._limit: AbstractAsyncContextManager[None] = limit or nullcontext()
        self._spans = spans

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        for subscription in subscriptions:
            event = subscription.consumer.event
            self._subscriptions.setdefault((event.topic, event.__name__), []).append(subscription)

    def to(self, topic: str, kind: str) -> list[Subscription]:
        """Those who asked for events of that type."""
        return self._subscriptions.get((topic, kind), [])

    async def deliver(self, event: Envelope, stopping: asyncio.Event) -> None:
        """Return once every consumer has handled or buried the event.

        Raises `DeliveryStopped` where one would have to be tried again although `stopping` is set, and what the
        burial raises.
        """
        token = trace.continue_from(event.traceparent)
        try:
            for subscription in self.to(event.topic, event.type):
                with self._step(subscription, event) as span:
                    await self._deliver(subscription, event, stopping, span)
        finally:
            trace.current.reset(token)

    def _step(self, subscription: Subscription, event: Envelope) -> AbstractContextManager[Span | None]:
        """One span for all tries; each has one below it, of its use case."""
        if self._spans is None:
            return nullcontext()
        notes = notes_of(event, "process", "kafka" if event.origin else "in_process")
        notes["messaging.destination.subscription.name"] = subscription.consumer.name
        return self._spans.span(f"process {event.topic}", Kind.CONSUMER, notes, (DeliveryStopped,))

    async def _deliver(
        self, subscription: Subscription, event: Envelope, stopping: asyncio.Event, span: Span | None
    ) -> None:
        name, attempt = subscription.consumer.name, 0
        while True:
            attempt += 1
            try:
                # Those together are on one connection, so no limit is needed for them.
                fresh = attempt == 1 and await subscription.handle_together(event)
                if not fresh:
                    async with self._limit:
                        fresh = await subscription.handle(event)
            except Exception as fault:
                pauses = _pauses(fault)
                if attempt > len(pauses):
                    await self._bury(subscription, event, fault, attempt)
                    if span is not None:
                        span.fail(type(fault).__name__)
                    return
                self._metrics.events.labels(name, "retried").inc()
                log.warning("event.retry", **_facts(name, event), attempt=attempt, error=repr(fault))
                await _pause(pauses[attempt - 1], stopping)
            else:
                self._metrics.events.labels(name, "handled" if fresh else "duplicate").inc()
                return

    async def _bury(self, subscription: Subscription, event: Envelope, fault: Exception, attempts: int) -> None:
        name = subscription.consumer.name
        await subscription.bury(event, fault, attempts)
        self._metrics.events.labels(name, "dead").inc()
        log.error("event.dead", **_facts(name, event), attempts=attempts, exc_info=fault)


async def _pause(seconds: float, stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds * random.uniform(0.5, 1.0))
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
