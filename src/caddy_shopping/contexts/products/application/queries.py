"""The reads of the catalogue."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.application.views import (
    CategoryNode,
    CategoryView,
    Facets,
    MovementView,
    ProductSummary,
    ProductView,
    StaffProduct,
    StaffProductSummary,
)
from caddy_shopping.contexts.products.domain.product import Status
from caddy_shopping.contracts.products import VariantView
from caddy_shopping.kernel.paging import PageRequest, Slice


class Sort(StrEnum):
    NEWEST = "newest"
    PRICE_ASC = "price"
    PRICE_DESC = "-price"
    TITLE = "title"


class ProductFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which active products. All conditions hold together.

    A product's price is its lowest, in minor units; `min_price` and `max_price` are within the range.

    `category` is a slug and takes in everything below it. `options` are `"Size:Large"`: values of one
    option are alternatives, options with different names hold together. `q` finds every word of it
    in title, vendor, type, tags, SKUs and description; a word of one or two characters in the title alone.
    """

    category: str | None = None
    min_price: int | None = None
    max_price: int | None = None
    tags: tuple[str, ...] = ()
    vendor: str | None = None
    product_type: str | None = None
    options: tuple[str, ...] = ()
    in_stock: bool = False
    q: str | None = None
    sort: Sort = Sort.NEWEST


class StaffFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which products of any status; `q` as in `ProductFilter`."""

    status: Status | None = None
    category_id: UUID | None = None
    q: str | None = None


class ProductQueries(Protocol):
    async def products(self, wanted: ProductFilter, page: PageRequest) -> Slice[ProductSummary]:
        """One statement out of an index, however large the catalogue. Raises `CursorInvalid`."""
        ...

    async def facets(self, wanted: ProductFilter) -> Facets:
        """Counts over all that `wanted` leaves; costs what is found."""
        ...

    async def product(self, slug: str) -> ProductView:
        """An active product. Raises `ProductNotFound`."""
        ...

    async def categories(self) -> list[CategoryNode]:
        """The top of the tree, with all below."""
        ...

    async def category(self, category_id: UUID) -> CategoryView:
        """Raises `CategoryNotFound`."""
        ...

    async def staff_products(self, wanted: StaffFilter, page: PageRequest) -> Slice[StaffProductSummary]:
        """Products of every status, the newest first."""
        ...

    async def staff_product(self, product_id: UUID) -> StaffProduct:
        """Raises `ProductNotFound`."""
        ...

    async def movements(self, variant_id: UUID, page: PageRequest) -> Slice[MovementView]:
        """The ledger of a variant, the newest first. Raises `VariantNotFound`."""
        ...

    async def variants(self, variant_ids: list[UUID]) -> list[VariantView]:
        """Those that exist, whatever their product's status."""
        ...

    async def overdue(self, now: datetime, limit: int) -> list[UUID]:
        """Orders whose reservation is HELD past its deadline, the longest first."""
        ...
