"""Exactly one database transaction of one context, with the marks that make it happen once.

On clean exit it writes, together with the effect: the events of every aggregate it has seen (outbox),
the answer to the Idempotency-Key, and the inbox row of the event being handled. Then it commits.
"""

from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import CursorResult, Executable, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.util import identity_key

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import Aggregate, Event
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.idempotency import RequestInFlight, answer_of, answering
from caddy_shopping.platform.db.lines import NONE, Writing
from caddy_shopping.platform.db.prepared import Parameters, Prepared, Rows
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.execution import Claim, Delivery, Execution, execution
from caddy_shopping.platform.telemetry.trace import traceparent

A = TypeVar("A", bound=Aggregate)
R = TypeVar("R")
Committed = Callable[[Sequence[UUID]], None]
"""Told, after a commit that left events in the outbox, which aggregates they are about."""
Tx = TypeVar("Tx", bound="SqlTransaction")


# Not on PostgreSQL's strictest terms, which would also stop those who only refer to the row.
_UNTIL_THE_END = {"key_share": True}


class AlreadyHandled(Exception):
    """The inbox has this event: nothing is to be done."""


class UnitOfWorkMisuse(RuntimeError):
    """A handler opened a transaction where it must not. A bug, never a user's fault."""


class SqlTransaction:
    """Base of a context's transaction. A subclass adds its repositories, which say their statements to it."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._seen: dict[int, Aggregate] = {}
        self._published: list[Event] = []
        self._answer: list[Any] = []
        self.stale = set[str]()
        """Tags of what caches hold, and will not be true any more once this is committed."""

    async def run(self, statement: Prepared, parameters: Parameters | Sequence[Parameters] = NONE) -> Rows:
        """Run a prepared statement: once, or for each parameter set of a sequence (then without rows and count)."""
        return await self._writing.run(statement, parameters)

    async def lock(self, statement: Prepared, parameters: Parameters = NONE) -> None:
        """Hold the rows that a SELECT … FOR UPDATE finds until the end."""
        await self._writing.lock(statement, parameters)

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run any other statement."""
        return await self._writing.execute(statement, parameters)

    @property
    def session(self) -> AsyncSession:
        """The mapper's session, for aggregates that are loaded and changed."""
        return self._writing.session

    async def load(self, kind: type[A], ident: Any, **options: Any) -> A | None:
        """An aggregate to be changed, by its id; None where there is none.

        Its row is locked until the end: whoever changes the same one meanwhile waits, where they would otherwise do
        their work and lose the race by its version. (SQLite has one writer anyway.)
        """
        known = identity_key(kind, ident) in self.session.sync_session.identity_map
        lock = None if known else _UNTIL_THE_END
        aggregate = await self.session.get(kind, ident, with_for_update=lock, **options)
        return None if aggregate is None else self.track(aggregate)

    def track(self, aggregate: A) -> A:
        """Keep hold of an aggregate that was loaded or added, so that its events are not lost."""
        self._seen[id(aggregate)] = aggregate
        return aggregate

    @property
    def resumed(self) -> bool:
        run = execution.get()
        return run is not None and run.claim is not None and run.claim.resumed

    def publish(self, event: Event) -> None:
        self._published.append(event)

    def reply(self, answer: R) -> R:
        self._answer = [answer]
        return answer

    async def flush(self) -> None:
        """Send what was changed to the database. A subclass may write its new aggregates itself (`Fresh`)."""
        await self._writing.flush()

    def take_events(self) -> list[Event]:
        """Everything recorded or published so far, handed over once."""
        events = self._published
        self._published = []
        for aggregate in self._seen.values():
            events.extend(aggregate.take_events())
        return events

    def take_answer(self) -> list[Any]:
        answer, self._answer = self._answer, []
        return answer


class _Statements:
    """Built once: building a statement costs more than running it."""

    def __init__(self, tables: PlatformTables) -> None:
        self.inbox = Prepared(insert(tables.inbox))
        self.outbox = Prepared(insert(tables.outbox))
        self.answer = Prepared(answering(tables.idempotency))


class _Unit:
    """`async with` around one transaction."""

    def __init__(
        self,
        database: Database,
        statements: _Statements,
        clock: Clock,
        make: type[Any],
        committed: Committed,
        forget: Callable[[Collection[str]], None],
    ) -> None:
        self._statements = statements
        self._clock = clock
        self._execution: Execution | None = execution.get()
        self._writing = self._open(database)
        self._tx: SqlTransaction = make(self._writing)
        self._committed = committed
        self._forget = forget

    async def __aenter__(self) -> Any:
        run = self._execution
        if run is not None:
            if run.open_units:
                raise UnitOfWorkMisuse("a unit of work is already open in this use case")
            if run.delivered:
                raise UnitOfWorkMisuse("a consumer's handler has one unit of work: effect and inbox row together")
            run.open_units += 1
        try:
            await self._writing.begin()
            if run is not None and run.delivery is not None and not run.together:
                await self._mark_handled(run.delivery)
        except BaseException:
            await self._give_up(run)
            raise
        return self._tx

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        run = self._execution
        if fault is not None:
            await self._give_up(run)
            return
        try:
            answer = self._tx.take_answer()
            await self._tx.flush()
            events = self._tx.take_events()
            if events:
                await self._write_outbox(events)
            if answer and run is not None and run.claim is not None:
                await self._write_answer(run.claim, answer[0])
            await self._writing.commit()
        except BaseException:
            await self._give_up(run)
            raise
        finally:
            # Whatever was raised: a commit whose answer was lost may have been made.
            if self._tx.stale:
                self._forget(self._tx.stale)
        if run is not None:
            run.open_units -= 1
            run.delivered = run.delivery is not None
        if events:
            self._committed([event.key for event in events])

    async def _give_up(self, run: Execution | None) -> None:
        if run is not None:
            run.open_units -= 1
        await self._writing.rollback()

    def _open(self, database: Database) -> Writing:
        run = self._execution
        if run is None or run.delivery is None or not run.together:
            return database.writing()
        return database.together.share(self._statements.inbox, self._handled(run.delivery))

    async def _mark_handled(self, delivery: Delivery) -> None:
        try:
            await self._writing.run(self._statements.inbox, self._handled(delivery))
        except IntegrityError:
            raise AlreadyHandled from None

    def _handled(self, delivery: Delivery) -> Parameters:
        return {"consumer": delivery.consumer, "event_id": delivery.event_id, "handled_at": self._clock.now()}

    async def _write_outbox(self, events: list[Event]) -> None:
        now, parent = self._clock.now(), traceparent()
        rows = [
            {
                "event_id": new_id(),
                "type": type(event).__name__,
                "schema_version": event.schema_version,
                "event_key": event.key,
                "payload": msgspec.json.encode(event),
                "traceparent": parent,
                "occurred_at": now,
            }
            for event in events
        ]
        await self._writing.run(self._statements.outbox, rows)

    async def _write_answer(self, claim: Claim, answer: Any) -> None:
        rendered = claim.render(answer)
        done = await self._writing.run(self._statements.answer, answer_of(claim, rendered))
        if done.rowcount != 1:
            # Somebody took the key over after our lease ran out: their effect counts, ours must not.
            raise RequestInFlight(retry_after=1)
        claim.rendered = rendered


def unit_of_work(
    database: Database,
    tables: PlatformTables,
    clock: Clock,
    make: type[Tx],
    committed: Committed,
    forget: Callable[[Collection[str]], None],
) -> Callable[[], Any]:
    """A factory of transactions: each call makes one `async with` block."""

    statements = _Statements(tables)

    def open_unit() -> _Unit:
        return _Unit(database, statements, clock, make, committed, forget)

    return open_unit
