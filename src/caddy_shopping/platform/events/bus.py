"""Where relays bring events; and the delivery inside one process, to every consumer that asked for them.

Through the same outbox and inbox as with Kafka, so that a crash between any two steps only means
that a step is tried again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Protocol

import msgspec

from caddy_shopping.platform.events.dead_letters import DeadLetters
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.reactions import DeliveryStopped, Graveyard, Reactions, Subscription
from caddy_shopping.platform.events.spans import notes_of
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.spans import Kind, Spans


class Bus(Protocol):
    """Where a relay brings events."""

    async def publish(self, event: Envelope) -> None:
        """Return once the event is in safe hands: handled, kept as a dead letter, or acknowledged by the broker.

        Raises where it is not.
        """
        ...


class EventBus(Bus, Protocol):
    """What carries events in one process, from its relays to its consumers or to those of others."""

    @property
    def shared(self) -> bool:
        """Whether consumers may be in other processes. Then each process relays what it commits itself."""
        ...

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None: ...

    async def react(self, event: Envelope, stopping: asyncio.Event) -> None:
        """Run every reaction to the event here and now, as `Reactions.deliver`."""
        ...

    def history(self, topic: str, since: datetime | None) -> AsyncIterator[Envelope] | None:
        """The events of a topic from `since` on, as far as the bus still has them. None where it keeps none."""
        ...

    def graveyard(self, letters: DeadLetters) -> Graveyard:
        """Where a context's consumers leave what they cannot take; `letters` are its table."""
        ...

    async def start(self, *, consume: bool) -> None:
        """Publish from now on; with `consume`, also react. Does not wait for whoever is away."""
        ...

    async def leave(self) -> None:
        """React to nothing more: finish what is being handled."""
        ...

    def stop(self) -> None:
        """Publish no longer than a moment: what fails now is left for the next process."""
        ...

    async def close(self) -> None:
        """After the last relay stopped."""
        ...

    async def reachable(self) -> None:
        """Raises where events have to wait."""
        ...


class InProcessBus:
    """Runs the reactions to each event, here and now."""

    shared = False

    def __init__(self, metrics: Metrics, spans: Spans | None = None) -> None:
        self._reactions = Reactions(metrics, spans=spans)
        self._stopping = asyncio.Event()

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        self._reactions.subscribe(subscriptions)

    async def react(self, event: Envelope, stopping: asyncio.Event) -> None:
        await self._reactions.deliver(event, stopping)

    def history(self, topic: str, since: datetime | None) -> AsyncIterator[Envelope] | None:
        return None

    def graveyard(self, letters: DeadLetters) -> Graveyard:
        return letters

    async def start(self, *, consume: bool) -> None: ...

    async def leave(self) -> None: ...

    async def close(self) -> None: ...

    async def reachable(self) -> None: ...

    def stop(self) -> None:
        """Wait for no other try: what fails now is left for the next process."""
        self._stopping.set()

    async def publish(self, event: Envelope) -> None:
        """Raises `DeliveryStopped` where a consumer would have to be tried again while the process ends."""
        await self._reactions.deliver(event, self._stopping)


class TracedBus(Bus):
    """A relay's way to `bus`: publishing is a step of the trace that caused the event, reactions are its children."""

    def __init__(self, bus: EventBus, spans: Spans) -> None:
        self._bus = bus
        self._spans = spans
        self._system = "kafka" if bus.shared else "in_process"

    async def publish(self, event: Envelope) -> None:
        """As the bus does it."""
        name, notes = f"send {event.topic}", notes_of(event, "send", self._system)
        with self._spans.caused_by(event.traceparent, name, Kind.PRODUCER, notes, (DeliveryStopped,)) as span:
            await self._bus.publish(msgspec.structs.replace(event, traceparent=span.traceparent))
