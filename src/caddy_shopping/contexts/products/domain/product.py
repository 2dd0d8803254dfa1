"""A product, the variants of it that can be bought, and its pictures."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.domain.slug import search_key
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec, check_details, check_variants
from caddy_shopping.contracts.products import ProductChanged, VariantNotFound
from caddy_shopping.kernel.events import Aggregate
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money


class Status(StrEnum):
    """Customers see active products alone; what is archived stays for the orders that name it."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class Image(msgspec.Struct, frozen=True, rename="camel"):
    """A picture by its address: another site's, or one of ours below `/api/v1/products/media/`."""

    url: str
    alt: str = ""


@dataclass(eq=False)
class Variant:
    """One thing that can be bought. Amounts in minor units of `currency`, weight in grams.

    `stock` is what may still be reserved, `reserved` waits for payment, `sold` was paid for. Only
    `domain.stock.Stock` moves the three, by conditional statements; here they are read.
    """

    id: UUID
    position: int
    options: list[str]
    sku: str
    price_amount: int
    currency: str
    stock: int
    compare_at_amount: int | None = None
    reserved: int = 0
    sold: int = 0
    weight_grams: int = 0
    barcode: str | None = None
    taxable: bool = True
    requires_shipping: bool = True
    tracked: bool = True
    oversell: bool = False
    image_url: str | None = None
    archived: bool = False

    @property
    def price(self) -> Money:
        return Money(self.price_amount, self.currency)

    @property
    def compare_at_price(self) -> Money | None:
        return None if self.compare_at_amount is None else Money(self.compare_at_amount, self.currency)

    @classmethod
    def of(cls, spec: VariantSpec, position: int) -> "Variant":
        """A new variant with its opening stock; a missing SKU is made, unique by its random part."""
        variant_id = new_id()
        sku = spec.sku or "V" + base64.b32encode(variant_id.bytes[-8:]).decode().rstrip("=")
        made = cls(variant_id, position, [], sku, 0, spec.price.currency, spec.stock)
        made.take(spec, position)
        return made

    def take(self, spec: VariantSpec, position: int) -> None:
        """Become what `spec` says, except for the stock, which only the ledger moves."""
        self.position = position
        self.options = list(spec.options)
        self.sku = spec.sku or self.sku
        self.price_amount, self.currency = spec.price.amount, spec.price.currency
        self.compare_at_amount = None if spec.compare_at_price is None else spec.compare_at_price.amount
        self.weight_grams, self.barcode, self.image_url = spec.weight_grams, spec.barcode, spec.image_url
        self.taxable, self.requires_shipping = spec.taxable, spec.requires_shipping
        self.tracked, self.oversell, self.archived = spec.tracked, spec.oversell, False

    def spec(self) -> VariantSpec:
        """The variant as one would describe it anew."""
        return VariantSpec(
            id=self.id,
            options=tuple(self.options),
            price=self.price,
            sku=self.sku,
            compare_at_price=self.compare_at_price,
            stock=self.stock,
            weight_grams=self.weight_grams,
            barcode=self.barcode,
            taxable=self.taxable,
            requires_shipping=self.requires_shipping,
            tracked=self.tracked,
            oversell=self.oversell,
            image_url=self.image_url,
        )


@dataclass(eq=False)
class Product(Aggregate):
    """Root of variants and images. What the product list shows is kept ready in the root itself."""

    id: UUID
    slug: str
    currency: str
    created_at: datetime
    updated_at: datetime
    title: str = ""
    description: str = ""
    vendor: str = ""
    product_type: str = ""
    status: Status = Status.DRAFT
    category_id: UUID | None = None
    tags: list[str] = field(default_factory=list)
    seo_title: str = ""
    seo_description: str = ""
    options: list[str] = field(default_factory=list)
    """Names of the options (`["Size", "Color"]`); each variant's `options` are its values, in this order."""
    images: list[Image] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    version: int = 0
    # Kept ready for the list (`_summarise`):
    is_active: bool = False
    title_key: str = ""
    min_price_amount: int = 0
    max_price_amount: int = 0
    compare_at_amount: int | None = None
    image_url: str | None = None

    @classmethod
    def create(
        cls,
        slug: str,
        details: ProductDetails,
        options: Sequence[str],
        variants: Sequence[VariantSpec],
        images: Sequence[Image],
        currency: str,
        now: datetime,
    ) -> "Product":
        """A new product. Raises `ProductInvalid`; that `slug` and SKUs are free is for the caller to see."""
        product = cls(new_id(), slug, currency, now, now)
        product.change(now, details=details, offer=(options, variants), images=images)
        return product

    @property
    def details(self) -> ProductDetails:
        return ProductDetails(
            title=self.title,
            description=self.description,
            vendor=self.vendor,
            product_type=self.product_type,
            status=self.status,
            category_id=self.category_id,
            tags=tuple(self.tags),
            seo_title=self.seo_title,
            seo_description=self.seo_description,
        )

    @property
    def offered(self) -> list[Variant]:
        """The variants that are not archived, in their order."""
        return sorted((variant for variant in self.variants if not variant.archived), key=lambda v: v.position)

    def change(
        self,
        now: datetime,
        *,
        slug: str | None = None,
        details: ProductDetails | None = None,
        offer: tuple[Sequence[str], Sequence[VariantSpec]] | None = None,
        images: Sequence[Image] | None = None,
    ) -> None:
        """Change what is given, all at once. Raises `ProductInvalid` or `VariantNotFound` and changes nothing.

        `offer` is option names and *all* variants: one of ours is recognised by its id, else its SKU,
        else its option values, and keeps its stock; one that is not named any more is archived.
        """
        if details is not None:
            check_details(details)
        if offer is not None:
            check_variants(*offer, currency=self.currency)
            self._check_ours(offer[1])
            self._offer(*offer)
        if details is not None:
            self._describe(details)
        if images is not None:
            self.images = list(images)
        self.slug = slug or self.slug
        self._changed(now)

    def archive(self, now: datetime) -> None:
        """Take it off sale for good; orders, carts and reservations that name it stay readable."""
        if self.status is not Status.ARCHIVED:
            self.status = Status.ARCHIVED
            self._changed(now)

    def _check_ours(self, specs: Sequence[VariantSpec]) -> None:
        ours = {variant.id for variant in self.variants}
        if any(spec.id is not None and spec.id not in ours for spec in specs):
            raise VariantNotFound()

    def _describe(self, details: ProductDetails) -> None:
        self.title, self.description = details.title.strip(), details.description
        self.vendor, self.product_type = details.vendor.strip(), details.product_type.strip()
        self.status, self.category_id = Status(details.status), details.category_id
        self.tags = list(dict.fromkeys(tag.strip() for tag in details.tags if tag.strip()))
        self.seo_title, self.seo_description = details.seo_title, details.seo_description

    def _offer(self, options: Sequence[str], specs: Sequence[VariantSpec]) -> None:
        by_id = {variant.id: variant for variant in self.variants}
        by_sku = {variant.sku: variant for variant in self.variants}
        by_options = {tuple(variant.options): variant for variant in self.variants if not variant.archived}
        kept: set[UUID] = set()
        for position, spec in enumerate(specs):
            known = by_id.get(spec.id) if spec.id else by_sku.get(spec.sku) if spec.sku else None
            if known is None and spec.id is None:
                known = by_options.get(tuple(spec.options))
            if known is None or known.id in kept:
                known = Variant.of(spec, position)
                self.variants.append(known)
            else:
                known.take(spec, position)
            kept.add(known.id)
        for variant in self.variants:
            variant.archived = variant.id not in kept
        self.variants.sort(key=lambda variant: (variant.archived, variant.position))
        self.options = list(options)

    def _changed(self, now: datetime) -> None:
        self.updated_at = now
        self._summarise()
        self.record(ProductChanged(product_id=self.id, slug=self.slug))

    def _summarise(self) -> None:
        offered = self.offered
        prices = [variant.price_amount for variant in offered]
        cheapest = min(offered, key=lambda variant: variant.price_amount)
        self.is_active = self.status is Status.ACTIVE
        self.title_key = search_key(self.title)[:128]
        self.min_price_amount, self.max_price_amount = min(prices), max(prices)
        self.compare_at_amount = cheapest.compare_at_amount
        pictures = [image.url for image in self.images] + [v.image_url for v in offered if v.image_url]
        self.image_url = pictures[0] if pictures else None


class Catalogue(Protocol):
    """The products of a transaction. What is added or changed is also labelled and searchable when it commits."""

    async def get(self, product_id: UUID) -> Product:
        """Raises `ProductNotFound`."""
        ...

    async def find_by_slugs(self, slugs: Sequence[str]) -> dict[str, Product]:
        """Those of `slugs` that exist, archived ones too."""
        ...

    def add(self, product: Product) -> None: ...

    async def free_slug(self, wanted: str) -> str:
        """`wanted`, or `wanted-2` … where that is taken; something unique where `wanted` is empty."""
        ...

    async def taken_skus(self, skus: Sequence[str], product_id: UUID | None = None) -> set[str]:
        """Which of `skus` belong to another product than `product_id`."""
        ...
