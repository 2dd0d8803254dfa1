"""Takes events from a context's outbox to the bus, in order per aggregate.

Woken by each commit; looks by itself every second, for what a crash left behind. A row is marked as
published only after the bus took it, so killing the process at any moment loses nothing: at worst
an event is delivered again, and the inbox knows it.

Several may relay one outbox, without a lock: each hands out an aggregate's events as a run without gaps that begins
with one not yet published, so the first copies of all events are in order, and later copies are known to the inbox.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import bindparam, func, select, update

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.events.bus import Bus
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.events.outbox_history import envelope_of_row
from caddy_shopping.platform.events.reactions import DeliveryStopped
from caddy_shopping.platform.telemetry.metrics import Metrics

log = structlog.get_logger("relay")
POLL = 1.0
IN_FLIGHT = 500
"""Events handed out and not yet marked."""
LANE = 20
"""Events of one aggregate handed out at a time."""
MARK_AT = 100
MARK_AFTER = 0.05
IMPATIENT = timedelta(0)
OTHERS_FIRST = timedelta(seconds=2)
"""For this long, what another process committed is left to its own relay, where each process has one."""


class Relay:
    """One context's relay. `start` and `stop` it with the process; `wake` it after a commit.

    Events of aggregates that it was not woken for are left alone until they are `patience` old.
    """

    def __init__(
        self,
        context: str,
        database: Database,
        tables: PlatformTables,
        bus: Bus,
        clock: Clock,
        metrics: Metrics,
        patience: timedelta = IMPATIENT,
    ) -> None:
        self._context = context
        self._database = database
        self._outbox = tables.outbox
        o = tables.outbox.c
        # No cursor: on a server database a lower number may be committed later than a higher one.
        unpublished = (
            select(o.seq, o.event_id, o.type, o.schema_version, o.event_key, o.payload, o.traceparent, o.occurred_at)
            .where(o.published_at.is_(None))
            .order_by(o.seq)
            .limit(2 * IN_FLIGHT)
        )
        self._unpublished = Prepared(unpublished)
        # What waits behind a stuck aggregate must not fill the window.
        self._of_others = Prepared(unpublished.where(o.event_key.not_in(bindparam("full", expanding=True))))
        self._published = Prepared(
            update(tables.outbox)
            .where(o.seq.in_(bindparam("done", expanding=True)))
            .values(published_at=bindparam("now"))
        )
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._patience = patience
        self._ours: set[UUID] = set()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._lanes: dict[UUID, deque[Envelope]] = {}
        self._in_flight: set[int] = set()
        self._done: list[int] = []
        self._marked_at = monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._marking: asyncio.Task[None] | None = None
        self._loop: asyncio.Task[None] | None = None

    def wake(self, keys: Iterable[UUID] = ()) -> None:
        """Say that events of these aggregates were committed here; returns at once."""
        if self._patience:
            self._ours.update(keys)
        self._woken.set()

    def start(self) -> None:
        self._loop = asyncio.create_task(self._run(), name=f"relay-{self._context}")

    async def stop(self) -> None:
        """Finish what is being delivered, mark it, and leave the rest for the next process."""
        self._stopping.set()
        self.wake()
        if self._loop is not None:
            await self._loop
        for lane in self._lanes.values():
            # The first is under way; what waits behind it is the next process's.
            while len(lane) > 1:
                lane.pop()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._mark()

    async def drained(self) -> None:
        """Return once the outbox is empty. For tests and for commands that end with their work."""
        while await self._turn() or self._in_flight or self._done:
            await asyncio.sleep(0.005)
            await self._mark()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._woken.clear()
                more = await self._turn()
                timeout = MARK_AFTER if self._done or self._in_flight else POLL
                if not more:
                    await asyncio.wait_for(self._woken.wait(), timeout)
            except TimeoutError:
                self._mark_meanwhile()
            except Exception:
                # The database may be away. What is unpublished stays so; we look again.
                log.exception("relay.failed", context=self._context)
                await asyncio.sleep(POLL)

    async def _turn(self) -> bool:
        """Fetch what is new and hand it out. True when there may be more at once."""
        if len(self._done) >= MARK_AT or (self._done and monotonic() - self._marked_at > MARK_AFTER):
            self._mark_meanwhile()
        room = IN_FLIGHT - len(self._in_flight)
        if room <= 0:
            return False
        ours, self._ours = self._ours, set()
        try:
            fresh = self._due(await self._fetch(), ours)
        except BaseException:
            self._ours |= ours
            raise
        waiting = [event for number, event in enumerate(fresh) if number >= room or not self._hand_out(event)]
        self._ours.update(event.key for event in waiting)
        return 0 < len(waiting) < len(fresh)

    def _due(self, events: list[Envelope], ours: set[UUID]) -> list[Envelope]:
        """Without those that are left to another process, and all that follows them in their aggregate."""
        if not self._patience:
            return events
        before, held, due = self._clock.now() - self._patience, set[UUID](), list[Envelope]()
        for event in events:
            if event.key not in held and (event.key in ours or event.occurred_at <= before):
                due.append(event)
            else:
                held.add(event.key)
        return due

    def _hand_out(self, event: Envelope) -> bool:
        """Put an event into its aggregate's lane. False where the lane is full: it is fetched again later."""
        lane = self._lanes.get(event.key)
        if lane is not None and len(lane) >= LANE:
            return False
        self._in_flight.add(event.seq)
        if lane is not None:
            lane.append(event)
            return True
        self._lanes[event.key] = deque([event])
        self._begin(self._drive(event.key))
        return True

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _drive(self, key: UUID) -> None:
        """Deliver one aggregate's events one after another; other aggregates do not wait for it."""
        lane = self._lanes[key]
        while lane:
            event = lane[0]
            try:
                await self._bus.publish(event)
            except DeliveryStopped:
                break
            except Exception:
                # Neither handled nor buried (the database may be away): it stays first in its lane.
                log.exception("relay.undelivered", context=self._context, seq=event.seq)
                if await self._stopped_within(POLL):
                    break
                continue
            lane.popleft()
            self._done.append(event.seq)
        del self._lanes[key]

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _fetch(self) -> list[Envelope]:
        """What is unpublished and not handed out yet, oldest first."""
        full = [key for key, lane in self._lanes.items() if len(lane) >= LANE]
        async with self._database.glance() as glance:
            # What is marked meanwhile may be in the answer, and must not look new then.
            known = frozenset(self._in_flight)
            rows = await (glance.run(self._of_others, {"full": full}) if full else glance.run(self._unpublished))
        age = (self._clock.now() - rows[0].occurred_at).total_seconds() if rows else 0.0
        self._metrics.outbox_age.labels(self._context).set(max(age, 0.0))
        return [envelope_of_row(self._context, row) for row in rows if row.seq not in known]

    def _mark_meanwhile(self) -> None:
        """Mark what is done, without that new events wait for it."""
        if self._done and (self._marking is None or self._marking.done()):
            self._marking = self._begin(self._mark_safely())

    async def _mark_safely(self) -> None:
        try:
            await self._mark()
        except Exception:
            log.exception("relay.unmarked", context=self._context)

    async def _mark(self) -> None:
        if not self._done:
            return
        done, self._done = self._done, []
        try:
            async with self._database.writing() as writing:
                await writing.run(self._published, {"done": done, "now": self._clock.now()})
        except BaseException:
            self._done = done + self._done
            raise
        self._in_flight.difference_update(done)
        self._marked_at = monotonic()

    async def backlog(self) -> int:
        """Events not yet published."""
        count = select(func.count()).where(self._outbox.c.published_at.is_(None))
        async with self._database.read() as connection:
            return int((await connection.execute(count)).scalar_one())
