"""Around every handler: a bounded retry, the Idempotency-Key, the inbox, a span, and a count of what happened."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import ConcurrentChange, ShopError
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.faults import classify
from caddy_shopping.platform.db.idempotency import LEASE, IdempotencyKey, IdempotencyKeys
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.db.together import Separated
from caddy_shopping.platform.db.unit_of_work import AlreadyHandled
from caddy_shopping.platform.execution import Claim, Delivery, Execution, Rendered, execution
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.spans import Spans

C = TypeVar("C")
R = TypeVar("R")
ATTEMPTS = 5


class Executor:
    """Runs one context's handlers."""

    def __init__(
        self,
        context: str,
        database: Database,
        tables: PlatformTables,
        clock: Clock,
        metrics: Metrics,
        lease: timedelta = LEASE,
        spans: Spans | None = None,
    ) -> None:
        self.context = context
        self._keys = IdempotencyKeys(database, tables, clock, lease)
        self._metrics = metrics
        self._spans = spans

    async def __call__(self, handler: Callable[[C], Awaitable[R]], command: C) -> R:
        """Run a use case, again where it lost a race. Raises its named errors."""
        return await self._run(handler, command, Execution(operation_of(command)))

    async def consume(self, name: str, event_id: UUID, handler: Callable[[C], Awaitable[object]], command: C) -> bool:
        """Run a reaction to an event, effect once. False where the inbox had it already."""
        try:
            await self._run(handler, command, Execution(operation_of(command), delivery=Delivery(name, event_id)))
        except AlreadyHandled:
            return False
        return True

    async def consume_together(
        self, name: str, event_id: UUID, handler: Callable[[C], Awaitable[object]], command: C
    ) -> bool:
        """As `consume`, in a transaction that it shares with others. False where it has to be tried alone."""
        run = Execution(operation_of(command), delivery=Delivery(name, event_id), together=True)
        try:
            await self._run(handler, command, run)
        except (Separated, ConcurrentChange):
            # It was another's fault, or the inbox has the event, or a race was lost: alone, it will be seen which.
            return False
        return True

    async def once(
        self,
        key: IdempotencyKey,
        handler: Callable[[C], Awaitable[R]],
        command: C,
        render: Callable[[R], Rendered],
        render_error: Callable[[ShopError], Rendered],
    ) -> Rendered:
        """Run a use case for an Idempotency-Key, or replay what it answered before.

        The handler says in its transaction what the answer is (`tx.reply`). A refusal is kept too; a
        fault on our side gives the key back. Raises `IdempotencyKeyReused`, `RequestInFlight`.
        """
        claim, operation = Claim(key.scope, key.key, new_id(), render), operation_of(command)
        earlier = await self._retried(operation, lambda: self._keys.claim(key, claim))
        if earlier is not None:
            return earlier
        try:
            answer = await self._run(handler, command, Execution(operation, claim=claim))
        except ShopError as refusal:
            if refusal.retryable:
                await self._retried(operation, lambda: self._keys.give_back(claim))
                raise
            said = render_error(refusal)
            return await self._retried(operation, lambda: self._keys.keep(claim, said))
        except BaseException:
            await asyncio.shield(self._retried(operation, lambda: self._keys.give_back(claim)))
            raise
        if claim.rendered is not None:
            return claim.rendered
        said = render(answer)
        return await self._retried(operation, lambda: self._keys.keep(claim, said))

    async def _run(self, handler: Callable[[C], Awaitable[R]], command: C, run: Execution) -> R:
        if self._spans is None:
            return await self._counted(handler, command, run)
        notes = {"shop.context": self.context}
        with self._spans.span(run.operation, notes=notes, expected=(AlreadyHandled, Separated)):
            return await self._counted(handler, command, run)

    async def _counted(self, handler: Callable[[C], Awaitable[R]], command: C, run: Execution) -> R:
        token = execution.set(run)
        try:
            result = await self._retried(run.operation, lambda: handler(command), 1 if run.together else ATTEMPTS)
        except (AlreadyHandled, Separated):
            raise
        except Exception as fault:
            self._metrics.operation(run.operation, "refused" if isinstance(fault, ShopError) else "failed")
            raise
        finally:
            execution.reset(token)
        self._metrics.operation(run.operation, "ok")
        return result

    async def _retried(self, operation: str, step: Callable[[], Awaitable[R]], attempts: int = ATTEMPTS) -> R:
        """Do a step, again where it lost a race. A fault of the database is raised as what it means to the caller."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await step()
            except Exception as fault:
                error = fault if isinstance(fault, ShopError) else classify(fault)
                if error is not None and error.retryable and error.retry_after is None and attempt < attempts:
                    self._metrics.operation(operation, "retried")
                    await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
                    continue
                if error is None or error is fault:
                    raise
                raise error from fault


@lru_cache(maxsize=512)
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def operation_of(command: object) -> str:
    """A command's name as metrics and logs show it: `PlaceOrder` is `place_order`."""
    return _snake(type(command).__name__)
