"""What the orders context publishes to the others."""

from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from caddy_shopping.kernel.errors import NotFound
from caddy_shopping.kernel.events import Event
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.remote import answers_within


class OrderNotFound(NotFound):
    code = "ORDER_NOT_FOUND"
    en = "There is no such order."
    zh = "订单不存在。"


class PayableOrder(msgspec.Struct, frozen=True, rename="camel"):
    """What payments needs to know of an order. `status` is one of the states in the design.

    `total` and `paid` are gross; an order may be paid while `status` is PENDING_PAYMENT and
    `expires_at` lies ahead.
    """

    id: UUID
    number: str
    user_id: UUID
    status: str
    total: Money
    expires_at: datetime


class Settlement(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of order ids that hold stock: `placed` exist; `refused` never will."""

    placed: list[UUID]
    refused: list[UUID]


class Orders(Protocol):
    """What other contexts may ask orders."""

    async def get_payable(self, *, order_id: UUID) -> PayableOrder:
        """Raises `OrderNotFound`."""
        ...

    @answers_within(5.0)
    async def settle(self, *, order_ids: list[UUID]) -> Settlement:
        """Decide for good whether each id is an order.

        An id that is none yet is barred: a `place order` still under way for it will fail when it
        saves. So stock of a refused id may be given back without any race. Safe to call again.
        """
        ...


class OrderLineFact(msgspec.Struct, frozen=True, rename="camel"):
    """One line of an order, as it was sold. `total` includes what tax the price includes."""

    variant_id: UUID
    sku: str
    title: str
    quantity: int
    total: Money


class OrderEvent(Event, frozen=True, kw_only=True):
    """`number` is what people read out; `user_id` is the buyer (a guest has one too)."""

    topic: ClassVar[str] = "orders"
    order_id: UUID
    number: str
    user_id: UUID
    email: str
    language: str

    @property
    def key(self) -> UUID:
        return self.order_id


class OrderPlaced(OrderEvent, frozen=True, kw_only=True):
    """Stock is reserved; payment is awaited until `expires_at`."""

    lines: list[OrderLineFact]
    total: Money
    expires_at: datetime


class OrderPaid(OrderEvent, frozen=True, kw_only=True):
    lines: list[OrderLineFact]
    total: Money


class OrderShipped(OrderEvent, frozen=True, kw_only=True):
    carrier: str
    tracking_number: str


class OrderCompleted(OrderEvent, frozen=True, kw_only=True):
    pass


class OrderCancelled(OrderEvent, frozen=True, kw_only=True):
    """`was_paid` says whether stock had already been sold (it is restocked) or only reserved."""

    reason: str
    was_paid: bool
    lines: list[OrderLineFact]


class OrderRefundRequested(OrderEvent, frozen=True, kw_only=True):
    """Payments gives `amount` back, once per `refund_id`, and answers with its own event.

    `payment_id` is the payment that the money came with.
    """

    refund_id: UUID
    amount: Money
    reason: str
    payment_id: UUID | None = None


class OrderRefunded(OrderEvent, frozen=True, kw_only=True):
    """The money is on its way back. `refunded` is the sum of all refunds so far, of `total`."""

    refund_id: UUID
    amount: Money
    refunded: Money
    total: Money


class OrderReturned(OrderEvent, frozen=True, kw_only=True):
    """Goods came back fit for sale; products puts them on the shelf, once per `return_id`."""

    return_id: UUID
    lines: list[OrderLineFact]
