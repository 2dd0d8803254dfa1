"""The orders context, for tests of the others."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from caddy_shopping.contracts.orders import OrderNotFound, PayableOrder, Settlement
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money


@dataclass
class FakeOrders:
    """Satisfies `contracts.orders.Orders`. `place` makes an order; an id settled before can be none any more."""

    orders: dict[UUID, PayableOrder] = field(default_factory=dict)
    refused: set[UUID] = field(default_factory=set)

    def place(
        self,
        order_id: UUID | None = None,
        *,
        user_id: UUID | None = None,
        total: Money | None = None,
        status: str = "PENDING_PAYMENT",
        expires_at: datetime = datetime(2100, 1, 1, tzinfo=UTC),
    ) -> PayableOrder:
        order_id = order_id or new_id()
        if order_id in self.refused:
            raise ValueError("this id was refused")
        number = f"FAKE-{len(self.orders):04d}-0"
        order = PayableOrder(order_id, number, user_id or new_id(), status, total or Money(9999, "CNY"), expires_at)
        self.orders[order_id] = order
        return order

    async def get_payable(self, *, order_id: UUID) -> PayableOrder:
        if order_id not in self.orders:
            raise OrderNotFound()
        return self.orders[order_id]

    async def settle(self, *, order_ids: list[UUID]) -> Settlement:
        ids = list(dict.fromkeys(order_ids))
        placed = [order_id for order_id in ids if order_id in self.orders]
        refused = [order_id for order_id in ids if order_id not in self.orders]
        self.refused.update(refused)
        return Settlement(placed=placed, refused=refused)
