"""The orders context as the other contexts call it."""

from dataclasses import dataclass
from uuid import UUID

from caddy_shopping.contexts.orders.application.settle_orders import SettleOrders
from caddy_shopping.contexts.orders.application.use_cases import UseCases
from caddy_shopping.contracts.orders import PayableOrder, Settlement
from caddy_shopping.platform.executor import Executor


@dataclass(frozen=True, slots=True)
class OrdersService:
    """Implements `contracts.orders.Orders`."""

    use_cases: UseCases
    run: Executor

    async def get_payable(self, *, order_id: UUID) -> PayableOrder:
        return await self.use_cases.queries.payable(order_id)

    async def settle(self, *, order_ids: list[UUID]) -> Settlement:
        return await self.run(self.use_cases.settle_orders, SettleOrders(order_ids=order_ids))
