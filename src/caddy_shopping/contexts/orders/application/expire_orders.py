"""Orders whose payment never came give their stock back."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.queries import DueOrder, OrderQueries
from caddy_shopping.contexts.orders.domain.order import EXPIRED
from caddy_shopping.kernel.actor import SYSTEM
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork

BATCH = 200


class ExpireOrder(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID


class ExpireOrderHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: ExpireOrder) -> bool:
        """Cancel one order if it is still due; False where a payment or another process was faster."""
        now = self.clock.now()
        async with self.uow() as tx:
            order = await tx.orders.get(command.order_id)
            if not order.is_due(now):
                return False
            order.cancel(SYSTEM, EXPIRED, now)
            return True


async def expire_due(queries: OrderQueries, expire: Callable[[ExpireOrder], Awaitable[bool]], clock: Clock) -> int:
    """Expire every order that is due now, each in its own transaction; how many there were.

    One that fails does not hold up the others; all failures are raised together at the end.
    """
    now, after, count = clock.now(), None, 0
    failures: list[Exception] = []
    while True:
        batch: list[DueOrder] = await queries.due(now, after, BATCH)
        for due in batch:
            try:
                count += await expire(ExpireOrder(order_id=due.order_id))
            except Exception as failure:
                failure.add_note(f"order {due.order_id}")
                failures.append(failure)
        if len(batch) < BATCH:
            break
        after = batch[-1]
    if failures:
        raise ExceptionGroup("orders that could not expire", failures)
    return count
