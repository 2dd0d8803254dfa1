"""What the orders context answers with."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.domain.order import Order
from caddy_shopping.contexts.orders.domain.parts import Address, OrderLine, Refund
from caddy_shopping.contracts.products import VariantView
from caddy_shopping.kernel.money import Money

Number = Annotated[str, msgspec.Meta(description="For people; any spelling finds it.", examples=["K7M4-2QXP-9"])]


class CartWarning(msgspec.Struct, frozen=True, rename="camel"):
    """`PRICE_CHANGED` since it was put in, `OUT_OF_STOCK`, `LOW_STOCK` (less left than wanted), `NO_LONGER_SOLD`."""

    code: str
    message: str


class CartItemView(msgspec.Struct, frozen=True, rename="camel"):
    """One line. `variant` has the current price and availability; null where the shop has forgotten it."""

    id: UUID
    variant_id: UUID
    quantity: int
    selected: bool
    added_at: datetime
    added_price: Money
    variant: VariantView | None
    total: Money | None
    warnings: list[CartWarning]


class CartView(msgspec.Struct, frozen=True, rename="camel"):
    """The whole cart. `subtotal` is what the selected lines cost now, before shipping and tax."""

    items: list[CartItemView]
    quantity: int
    selected_quantity: int
    subtotal: Money | None


class ShippingOption(msgspec.Struct, frozen=True, rename="camel"):
    method: str
    name: str
    price: Money


class QuoteLine(msgspec.Struct, frozen=True, rename="camel"):
    variant_id: UUID
    sku: str
    title: str
    options: list[str]
    quantity: int
    unit_price: Money
    amount: Money
    tax: Money
    total: Money


class Step(msgspec.Struct, frozen=True, rename="camel"):
    """How one amount came about, in words. `counts` tells whether it is added to the total or only explains."""

    text: str
    amount: Money
    counts: bool


class QuoteView(msgspec.Struct, frozen=True, rename="camel"):
    """What the selected lines cost. The lines' totals and `shipping` add up to `total`, `tax` included."""

    lines: list[QuoteLine]
    shipping_method: str | None
    shipping_options: list[ShippingOption]
    subtotal: Money
    shipping: Money
    tax: Money
    tax_included: bool
    total: Money
    steps: list[Step]


class OrderLineView(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    variant_id: UUID
    product_id: UUID
    sku: str
    title: str
    options: list[str]
    image_url: str | None
    quantity: int
    unit_price: Money
    tax_rate: str
    tax: Money
    total: Money
    returned: int

    @classmethod
    def of(cls, line: OrderLine) -> "OrderLineView":
        return cls(**{name: getattr(line, name) for name in cls.__struct_fields__})


class RefundView(msgspec.Struct, frozen=True, rename="camel"):
    """`surplus` money never counted as paid: it came late, twice or in the wrong amount."""

    id: UUID
    amount: Money
    status: str
    reason: str
    surplus: bool
    requested_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, refund: Refund) -> "RefundView":
        return cls(**{name: getattr(refund, name) for name in cls.__struct_fields__})


class HistoryView(msgspec.Struct, frozen=True, rename="camel"):
    """Who did what, and when. Only staff see `actorId`."""

    at: datetime
    actor_role: str
    actor_id: UUID | None
    action: str
    detail: str | None


class OrderView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An order. The lines' totals and `shipping` add up to `total`; `tax` is the part of it that is tax."""

    id: UUID
    number: Number
    user_id: UUID
    email: str
    status: str
    subtotal: Money
    shipping: Money
    tax: Money
    tax_included: bool
    total: Money
    paid: Money
    refunded: Money
    shipping_method: str | None
    address: Address | None
    note: str | None
    placed_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    carrier: str | None
    tracking_number: str | None
    cancel_reason: str | None
    version: int
    lines: list[OrderLineView]
    refunds: list[RefundView]

    @classmethod
    def of(cls, order: Order) -> "OrderView":
        own = {name: getattr(order, name) for name in cls.__struct_fields__ if name not in ("lines", "refunds")}
        lines = [OrderLineView.of(line) for line in order.lines]
        return cls(**own, lines=lines, refunds=[RefundView.of(refund) for refund in order.refunds])


class OrderDetail(OrderView, frozen=True, kw_only=True, rename="camel"):
    """An order with everything that happened to it, oldest first."""

    history: list[HistoryView]


class SummaryLine(msgspec.Struct, frozen=True, rename="camel"):
    title: str
    quantity: int
    image_url: str | None


class OrderSummary(msgspec.Struct, frozen=True, rename="camel"):
    """An order in a list."""

    id: UUID
    number: Number
    user_id: UUID
    email: str
    status: str
    total: Money
    refunded: Money
    placed_at: datetime
    version: int
    lines: list[SummaryLine]
