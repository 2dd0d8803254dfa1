"""What callers of the orders context send."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from caddy_shopping.contexts.orders.domain.cart import MAX_LINES, MAX_QUANTITY
from caddy_shopping.contexts.orders.domain.parts import Address
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.http.wire import Body

Quantity = Annotated[int, Meta(ge=1, le=MAX_QUANTITY, examples=[2])]
Method = Annotated[
    str, Meta(min_length=1, max_length=64, description="One of `shippingOptions`.", examples=["standard"])
]
Reason = Annotated[str, Meta(min_length=1, max_length=300, examples=["Changed my mind"])]
Email = Annotated[
    str, Meta(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$(?!\n)", examples=["ada@example.com"])
]


class AddItemBody(Body, frozen=True):
    variant_id: UUID
    quantity: Quantity = 1


class ChangeItemBody(Body, frozen=True):
    """What is left out stays as it is."""

    quantity: Quantity | None = None
    selected: bool | None = None


class SelectBody(Body, frozen=True):
    """Without `itemIds`, every line."""

    selected: bool
    item_ids: Annotated[list[UUID], Meta(max_length=MAX_LINES)] | None = None


class QuoteBody(Body, frozen=True):
    """Without `shippingMethod`, the first one offered; `address` narrows what is offered."""

    shipping_method: Method | None = None
    address: Address | None = None


class PlaceBody(Body, frozen=True):
    """`email` is required of guests; `expectedTotal` is what the buyer saw last and agreed to."""

    shipping_method: Method | None = None
    address: Address | None = None
    email: Email | None = None
    note: Annotated[str, Meta(max_length=1000)] | None = None
    expected_total: Money | None = None


class CancelBody(Body, frozen=True):
    reason: Reason = "cancelled by the buyer"


class StaffCancelBody(Body, frozen=True):
    reason: Reason


class ShipBody(Body, frozen=True):
    carrier: Annotated[str, Meta(min_length=1, max_length=100, examples=["SF Express"])]
    tracking_number: Annotated[str, Meta(min_length=1, max_length=100, examples=["SF1234567890"])]


class LineUnits(Body, frozen=True):
    line_id: UUID
    quantity: Quantity


Lines = Annotated[list[LineUnits], msgspec.Meta(min_length=1, max_length=MAX_LINES)]


class ReturnBody(Body, frozen=True):
    """`restock` tells whether the goods are fit for sale again."""

    lines: Lines
    restock: bool


class RefundBody(Body, frozen=True):
    """Either `amount`, or `lines` whose price is given back (and which `restock` puts on the shelf)."""

    reason: Reason
    amount: Money | None = None
    lines: Lines | None = None
    restock: bool = False
