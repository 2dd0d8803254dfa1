"""What staff send about products, variants, stock and categories."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from caddy_shopping.contexts.products.application.change_product import DetailChanges
from caddy_shopping.contexts.products.domain.product import Image, Status
from caddy_shopping.contexts.products.domain.specs import MAX_STOCK, ProductDetails, VariantSpec
from caddy_shopping.contexts.products.domain.stock import Reason
from caddy_shopping.kernel.money import MAX_AMOUNT, Money
from caddy_shopping.platform.http.wire import Body

Title = Annotated[str, Meta(min_length=1, max_length=255, examples=["Wool jumper"])]
Description = Annotated[str, Meta(max_length=65_535, description="HTML.", examples=["<p>Soft and warm.</p>"])]
Name = Annotated[str, Meta(max_length=160, examples=["North & Co"])]
Slug = Annotated[
    str,
    Meta(min_length=1, max_length=120, description="Made from the title when left out.", examples=["wool-jumper"]),
]
Tags = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=160)], ...], Meta(max_length=100)]
Options = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=60)], ...],
    Meta(max_length=3, description="Names of the options.", examples=[["Size"]]),
]
Url = Annotated[
    str,
    Meta(
        max_length=2048,
        pattern=r"^(https?://[^\s\x00-\x20<>\"]+|/api/v1/products/media/[0-9a-f]+\.[a-z]+)$(?!\n)",
        examples=["https://shop.example/jumper.jpg"],
    ),
]
Amount = Annotated[int, Meta(ge=0, le=MAX_AMOUNT, description="In minor units.", examples=[9900])]
Text = Annotated[str, Meta(min_length=1, max_length=120)]
Stock = Annotated[int, Meta(ge=0, le=MAX_STOCK, examples=[20])]
Position = Annotated[int, Meta(ge=0, le=1_000_000)]


class Price(Body, frozen=True, kw_only=True):
    """Minor units of the shop's currency."""

    amount: Amount
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", examples=["CNY"])]

    def money(self) -> Money:
        return Money(self.amount, self.currency)


class ImageBody(Body, frozen=True, kw_only=True):
    url: Url
    alt: Annotated[str, Meta(max_length=512)] = ""

    def image(self) -> Image:
        return Image(self.url, self.alt)


class VariantBody(Body, frozen=True, kw_only=True):
    """`stock` counts where the variant is new; `oversell` lets it be bought when there is none left."""

    price: Price
    options: Annotated[tuple[Text, ...], Meta(max_length=3, examples=[["Large"]])] = ()
    id: UUID | None = None
    sku: Text | None = None
    compare_at_price: Price | None = None
    stock: Stock = 0
    weight_grams: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    barcode: Text | None = None
    taxable: bool = True
    requires_shipping: bool = True
    tracked: bool = True
    oversell: bool = False
    image_url: Url | None = None

    def spec(self) -> VariantSpec:
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        fields["price"] = self.price.money()
        fields["compare_at_price"] = self.compare_at_price and self.compare_at_price.money()
        return VariantSpec(**fields)


Variants = Annotated[tuple[VariantBody, ...], Meta(min_length=1, max_length=250)]
Images = Annotated[tuple[ImageBody, ...], Meta(max_length=100)]


class CreateProductBody(Body, frozen=True, kw_only=True):
    title: Title
    variants: Variants
    slug: Slug | None = None
    description: Description = ""
    vendor: Name = ""
    product_type: Name = ""
    status: Status = Status.DRAFT
    category_id: UUID | None = None
    tags: Tags = ()
    seo_title: Annotated[str, Meta(max_length=255)] = ""
    seo_description: Annotated[str, Meta(max_length=1000)] = ""
    options: Options = ()
    images: Images = ()

    def details(self) -> ProductDetails:
        return ProductDetails(**_own(self, ProductDetails))


class ChangeProductBody(Body, frozen=True, kw_only=True):
    """What is left out stays as it is. `variants` is the whole offer: one that it leaves out is archived."""

    title: Title | UnsetType = UNSET
    variants: Variants | None = None
    slug: Slug | None = None
    description: Description | UnsetType = UNSET
    vendor: Name | UnsetType = UNSET
    product_type: Name | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    category_id: UUID | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    seo_title: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    seo_description: Annotated[str, Meta(max_length=1000)] | UnsetType = UNSET
    options: Options | None = None
    images: Images | None = None

    def changes(self) -> DetailChanges:
        return DetailChanges(**_own(self, DetailChanges))


class StockBody(Body, frozen=True, kw_only=True):
    """`delta` pieces more (or fewer), for this reason."""

    delta: Annotated[int, Meta(ge=-MAX_STOCK, le=MAX_STOCK, examples=[12])]
    reason: Reason
    note: Annotated[str, Meta(max_length=255, examples=["delivery of 3 May"])] = ""


class CreateCategoryBody(Body, frozen=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=160, examples=["Jumpers"])]
    slug: Slug | None = None
    parent_id: UUID | None = None
    position: Position = 0


class ChangeCategoryBody(Body, frozen=True, kw_only=True):
    """What is left out stays; `parentId` null moves to the top."""

    name: Annotated[str, Meta(min_length=1, max_length=160)] | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    parent_id: UUID | UnsetType | None = UNSET
    position: Position | UnsetType = UNSET


def _own(body: Body, shape: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields of `body` that `shape` has too."""
    return {name: getattr(body, name) for name in shape.__struct_fields__}
