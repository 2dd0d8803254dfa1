"""Around every handler: a bounded retry, the Idempotency-Key, the inbox, and a count of what happened."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import Conflict, Invalid, ShopError
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.faults import classify
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.db.unit_of_work import AlreadyHandled
from caddy_shopping.platform.execution import Claim, Delivery, Execution, Rendered, execution
from caddy_shopping.platform.telemetry.metrics import Metrics

C = TypeVar("C")
R = TypeVar("R")
ATTEMPTS = 5
LEASE = timedelta(seconds=30)


class IdempotencyKeyMissing(Invalid):
    code = "IDEMPOTENCY_KEY_MISSING"
    en = "Send an Idempotency-Key header (any unique text of 1 to 255 characters), so that a retry is safe."
    zh = "请提供 Idempotency-Key 请求头（1 到 255 个字符的唯一文本），以便安全重试。"


class IdempotencyKeyReused(Invalid):
    code = "IDEMPOTENCY_KEY_REUSED"
    en = "This Idempotency-Key was used for another request. Use a new key for a new request."
    zh = "该 Idempotency-Key 已用于其他请求，请使用新的键。"


class RequestInFlight(Conflict):
    code = "REQUEST_IN_FLIGHT"
    en = "A request with this Idempotency-Key is being worked on. Ask again in a moment."
    zh = "使用该 Idempotency-Key 的请求正在处理中，请稍后重试。"
    retryable = True


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """`scope` is caller and route, `fingerprint` a hash of the payload (32 bytes)."""

    scope: str
    key: str
    fingerprint: bytes


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
    ) -> None:
        self.context = context
        self._database = database
        self._table = tables.idempotency
        self._clock = clock
        self._metrics = metrics
        self._lease = lease

    async def __call__(self, handler: Callable[[C], Awaitable[R]], command: C) -> R:
        """Run a use case, again where it lost a race. Raises its named errors."""
        return await self._run(handler, command, Execution(operation_of(command)))

    async def consume(self, name: str, event_id: Any, handler: Callable[[C], Awaitable[object]], command: C) -> bool:
        """Run a reaction to an event, effect once. False where the inbox had it already."""
        try:
            await self._run(handler, command, Execution(operation_of(command), delivery=Delivery(name, event_id)))
        except AlreadyHandled:
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
        claim = Claim(key.scope, key.key, new_id(), render)
        earlier = await self._claim(key, claim)
        if earlier is not None:
            return earlier
        try:
            answer = await self._run(handler, command, Execution(operation_of(command), claim=claim))
        except ShopError as refusal:
            if refusal.retryable:
                await self._give_back(claim)
                raise
            return await self._keep(claim, render_error(refusal))
        except BaseException:
            await asyncio.shield(self._give_back(claim))
            raise
        return claim.rendered or await self._keep(claim, render(answer))

    async def _run(self, handler: Callable[[C], Awaitable[R]], command: C, run: Execution) -> R:
        token = execution.set(run)
        attempt = 0
        try:
            while True:
                attempt += 1
                try:
                    result = await handler(command)
                except Exception as fault:
                    error = fault if isinstance(fault, ShopError) else classify(fault)
                    if error is not None and error.retryable and error.retry_after is None and attempt < ATTEMPTS:
                        await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
                        continue
                    if isinstance(fault, AlreadyHandled):
                        raise
                    self._metrics.operation(run.operation, "failed" if error is None else "refused")
                    if error is None or error is fault:
                        raise
                    raise error from fault
                self._metrics.operation(run.operation, "ok")
                return result
        finally:
            execution.reset(token)

    async def _claim(self, key: IdempotencyKey, claim: Claim) -> Rendered | None:
        now = self._clock.now()
        row = {
            "scope": key.scope,
            "idempotency_key": key.key,
            "fingerprint": key.fingerprint,
            "owner": claim.owner,
            "locked_until": now + self._lease,
            "created_at": now,
        }
        table = self._table
        try:
            async with self._database.writer.begin() as connection:
                await connection.execute(insert(table), row)
            return None
        except IntegrityError:
            pass
        async with self._database.writer.begin() as connection:
            found = (
                await connection.execute(
                    select(table.c.fingerprint, table.c.status, table.c.headers, table.c.body).where(
                        *_same(table, claim)
                    )
                )
            ).first()
            if found is None:
                raise RequestInFlight(retry_after=1)
            if found.fingerprint != key.fingerprint:
                raise IdempotencyKeyReused()
            if found.status is not None:
                return Rendered(found.status, msgspec.json.decode(found.headers), found.body)
            taken = await connection.execute(
                update(table)
                .where(*_same(table, claim), table.c.status.is_(None), table.c.locked_until < now)
                .values(owner=claim.owner, locked_until=now + self._lease)
            )
            if taken.rowcount != 1:
                raise RequestInFlight(retry_after=1)
            return None

    async def _keep(self, claim: Claim, rendered: Rendered) -> Rendered:
        table = self._table
        headers = msgspec.json.encode(rendered.headers).decode()
        async with self._database.writer.begin() as connection:
            await connection.execute(
                update(table)
                .where(*_same(table, claim), table.c.owner == claim.owner, table.c.status.is_(None))
                .values(status=rendered.status, headers=headers, body=rendered.body)
            )
        return rendered

    async def _give_back(self, claim: Claim) -> None:
        table = self._table
        async with self._database.writer.begin() as connection:
            await connection.execute(
                delete(table).where(*_same(table, claim), table.c.owner == claim.owner, table.c.status.is_(None))
            )


def _same(table: Any, claim: Claim) -> tuple[Any, Any]:
    return table.c.scope == claim.scope, table.c.idempotency_key == claim.key


@lru_cache(maxsize=512)
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def operation_of(command: object) -> str:
    """A command's name as metrics and logs show it: `PlaceOrder` is `place_order`."""
    return _snake(type(command).__name__)
