"""What the catalogue answers with."""

from datetime import datetime
from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.domain.category import Category
from caddy_shopping.contexts.products.domain.product import Image, Product, Variant
from caddy_shopping.contexts.products.domain.stock import Movement
from caddy_shopping.kernel.money import Money


class View(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of the answers here."""


class ProductSummary(View, frozen=True, kw_only=True):
    """A product as lists show it. `price` is the lowest of its variants' prices, `maxPrice` the highest."""

    id: UUID
    slug: str
    title: str
    vendor: str
    product_type: str
    price: Money
    max_price: Money
    compare_at_price: Money | None
    image_url: str | None
    in_stock: bool


class StaffProductSummary(ProductSummary, frozen=True, kw_only=True):
    """A product in the staff's list: drafts and archived ones too."""

    status: str
    category_id: UUID | None
    updated_at: datetime
    version: int


class OptionView(View, frozen=True, kw_only=True):
    """An option and the values that its variants have."""

    name: str
    values: list[str]


class VariantDetail(View, frozen=True, kw_only=True):
    """`available` is null where stock does not limit it; `inStock` says whether it can be bought now."""

    id: UUID
    sku: str
    options: list[str]
    price: Money
    compare_at_price: Money | None
    available: int | None
    in_stock: bool
    weight_grams: int
    barcode: str | None
    requires_shipping: bool
    taxable: bool
    image_url: str | None


class CategoryRef(View, frozen=True, kw_only=True):
    id: UUID
    slug: str
    name: str


class ProductView(View, frozen=True, kw_only=True):
    """A product as its own page shows it. `seoTitle` and `seoDescription` fall back on title and nothing."""

    id: UUID
    slug: str
    title: str
    description: str
    vendor: str
    product_type: str
    category: CategoryRef | None
    tags: list[str]
    options: list[OptionView]
    variants: list[VariantDetail]
    images: list[Image]
    price: Money
    max_price: Money
    in_stock: bool
    seo_title: str
    seo_description: str


class StaffVariant(View, frozen=True, kw_only=True):
    """A variant with its books: `stock` may still be reserved, `reserved` awaits payment, `sold` was paid."""

    id: UUID
    sku: str
    options: list[str]
    price: Money
    compare_at_price: Money | None
    stock: int
    reserved: int
    sold: int
    weight_grams: int
    barcode: str | None
    taxable: bool
    requires_shipping: bool
    tracked: bool
    oversell: bool
    image_url: str | None
    archived: bool


class StaffProduct(View, frozen=True, kw_only=True):
    """A product whole, as staff edit it. `version` is its ETag."""

    id: UUID
    slug: str
    title: str
    description: str
    vendor: str
    product_type: str
    status: str
    category_id: UUID | None
    tags: list[str]
    options: list[str]
    variants: list[StaffVariant]
    images: list[Image]
    seo_title: str
    seo_description: str
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, product: Product) -> "StaffProduct":
        return cls(
            id=product.id,
            slug=product.slug,
            title=product.title,
            description=product.description,
            vendor=product.vendor,
            product_type=product.product_type,
            status=product.status,
            category_id=product.category_id,
            tags=product.tags,
            options=product.options,
            variants=[_staff_variant(variant) for variant in product.variants],
            images=product.images,
            seo_title=product.seo_title,
            seo_description=product.seo_description,
            created_at=product.created_at,
            updated_at=product.updated_at,
            version=product.version,
        )


class FacetValue(View, frozen=True, kw_only=True):
    """How many of the products found have this value. A category counts what lies below it, by slug."""

    value: str
    count: int


class Facets(View, frozen=True, kw_only=True):
    """Counts over everything that the filters leave; prices in minor units, null where nothing is left."""

    categories: list[FacetValue]
    tags: list[FacetValue]
    vendors: list[FacetValue]
    types: list[FacetValue]
    options: dict[str, list[FacetValue]]
    min_price: Money | None
    max_price: Money | None


class CategoryNode(View, frozen=True, kw_only=True):
    """A category and all below it, in the order in which they are shown."""

    id: UUID
    slug: str
    name: str
    position: int
    children: list["CategoryNode"]


class CategoryView(View, frozen=True, kw_only=True):
    """A category as staff edit it. `version` is its ETag."""

    id: UUID
    slug: str
    name: str
    parent_id: UUID | None
    position: int
    version: int

    @classmethod
    def of(cls, category: Category) -> "CategoryView":
        return cls(
            id=category.id,
            slug=category.slug,
            name=category.name,
            parent_id=category.parent_id,
            position=category.position,
            version=category.version,
        )


class MovementView(View, frozen=True, kw_only=True):
    """A line of the stock ledger, the newest first."""

    id: UUID
    variant_id: UUID
    delta: int
    reason: str
    note: str
    reference: str | None
    actor_id: UUID | None
    at: datetime


class StockView(View, frozen=True, kw_only=True):
    """What there is of a variant after a change, and the change."""

    variant_id: UUID
    product_id: UUID
    stock: int
    delta: int
    reason: str

    @classmethod
    def of(cls, product_id: UUID, stock: int, movement: Movement) -> "StockView":
        return cls(
            variant_id=movement.variant_id,
            product_id=product_id,
            stock=stock,
            delta=movement.delta,
            reason=movement.reason,
        )


def _staff_variant(variant: Variant) -> StaffVariant:
    return StaffVariant(
        id=variant.id,
        sku=variant.sku,
        options=variant.options,
        price=variant.price,
        compare_at_price=variant.compare_at_price,
        stock=variant.stock,
        reserved=variant.reserved,
        sold=variant.sold,
        weight_grams=variant.weight_grams,
        barcode=variant.barcode,
        taxable=variant.taxable,
        requires_shipping=variant.requires_shipping,
        tracked=variant.tracked,
        oversell=variant.oversell,
        image_url=variant.image_url,
        archived=variant.archived,
    )
