"""What the products context publishes to the others."""

from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from caddy_shopping.kernel.errors import Conflict, NotFound
from caddy_shopping.kernel.events import Event
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.remote import answers_within


class ProductNotFound(NotFound):
    code = "PRODUCT_NOT_FOUND"
    en = "There is no such product."
    zh = "商品不存在。"


class VariantNotFound(NotFound):
    code = "VARIANT_NOT_FOUND"
    en = "There is no such variant of a product."
    zh = "商品规格不存在。"


class OutOfStock(Conflict):
    """`details` name each line that cannot be had, by its pointer."""

    code = "OUT_OF_STOCK"
    en = "Not enough in stock for {sku}: {wanted} wanted, {available} left."
    zh = "{sku} 库存不足：需要 {wanted} 件，仅剩 {available} 件。"


class PriceMoved(Conflict):
    """`details` name each line that costs something else than the caller took it to cost."""

    code = "PRICE_MOVED"
    en = "The price of {sku} has changed."
    zh = "{sku} 的价格已变动。"


class ReservationGone(Conflict):
    code = "RESERVATION_GONE"
    en = "The reservation for this order ran out and its stock was given back."
    zh = "该订单的库存预留已过期并已释放。"


class VariantView(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that can be bought, as it is at this moment.

    `available` is what may still be reserved; it is not limited (a service, a download) where
    `tracked` is False. `category_ids` run from the product's category up to the root.
    """

    id: UUID
    product_id: UUID
    product_slug: str
    title: str
    options: list[str]
    sku: str
    price: Money
    available: int
    tracked: bool
    sellable: bool
    """Whether it may be bought at all: product active and variant not archived."""
    taxable: bool
    requires_shipping: bool
    weight_grams: int
    category_ids: list[UUID]
    compare_at_price: Money | None = None
    image_url: str | None = None


class ReservationLine(msgspec.Struct, frozen=True, rename="camel"):
    """So many of one variant; `price`, of one piece, is given by a caller to whom it matters."""

    variant_id: UUID
    quantity: int
    price: Money | None = None


class Reservation(msgspec.Struct, frozen=True, rename="camel"):
    """Stock held for an order until `expires_at`. `variants` are what the lines name, as sold at that moment."""

    order_id: UUID
    lines: list[ReservationLine]
    expires_at: datetime
    variants: list[VariantView]


class Products(Protocol):
    """What other contexts may ask products."""

    async def get_variants(self, *, variant_ids: list[UUID]) -> list[VariantView]:
        """Those that exist, in no particular order; unknown ids are left out."""
        ...

    @answers_within(5.0)
    async def reserve(self, *, order_id: UUID, lines: list[ReservationLine], ttl_seconds: int) -> Reservation:
        """Take stock off the shelf for an order, all lines or none.

        Safe to call again: one order has one reservation, and the first stands. Unless the order is
        known to orders (`Orders.settle`) by `expires_at`, the stock goes back.
        Raises `VariantNotFound`, `PriceMoved` where a line has another price than now, and `OutOfStock`.
        """
        ...

    async def release(self, *, order_id: UUID) -> None:
        """Give the order's reserved stock back. Does nothing where nothing is reserved."""
        ...


class ProductEvent(Event, frozen=True, kw_only=True):
    topic: ClassVar[str] = "products"
    product_id: UUID

    @property
    def key(self) -> UUID:
        return self.product_id


class ProductChanged(ProductEvent, frozen=True, kw_only=True):
    """Created, changed or archived: whoever keeps a copy reads it again."""

    slug: str


class StockChanged(ProductEvent, frozen=True, kw_only=True):
    """Stock of one variant was corrected, received or returned by hand (not by an order)."""

    variant_id: UUID
    stock: int
