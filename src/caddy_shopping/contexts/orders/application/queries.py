"""What the orders context can be asked without changing anything."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.views import OrderDetail, OrderSummary
from caddy_shopping.contexts.orders.domain.cart import CartLine
from caddy_shopping.contexts.orders.domain.order import OrderStatus
from caddy_shopping.contracts.orders import PayableOrder
from caddy_shopping.kernel.paging import PageRequest, Slice


class OrderFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that are given must hold; `placed_from` counts, `placed_before` does not."""

    user_id: UUID | None = None
    status: OrderStatus | None = None
    number: str | None = None
    email: str | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None


class DueOrder(msgspec.Struct, frozen=True):
    expires_at: datetime
    order_id: UUID


class OrderQueries(Protocol):
    async def cart_lines(self, user_id: UUID) -> list[CartLine]:
        """What is in the cart, oldest first. One statement."""
        ...

    async def find(self, reference: UUID | str, user_id: UUID | None) -> OrderDetail:
        """By id or number, of anybody or of `user_id` only. Raises `OrderNotFound`. Two statements."""
        ...

    async def page(self, wanted: OrderFilter, page: PageRequest) -> Slice[OrderSummary]:
        """Latest first. Two statements, three with the total."""
        ...

    async def payable(self, order_id: UUID) -> PayableOrder:
        """Raises `OrderNotFound`."""
        ...

    async def due(self, now: datetime, after: DueOrder | None, limit: int) -> list[DueOrder]:
        """Unpaid orders whose time is up, the longest overdue first."""
        ...
