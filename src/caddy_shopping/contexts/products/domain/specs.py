"""What somebody says that a product should be, and whether that can be taken."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.domain.errors import ProductInvalid
from caddy_shopping.kernel.errors import Detail
from caddy_shopping.kernel.money import MAX_AMOUNT, Money
from caddy_shopping.kernel.text import hidden_character, is_visible

MAX_OPTIONS = 3
MAX_VARIANTS = 250
MAX_TAGS = 100
MAX_STOCK = 1_000_000_000


class VariantSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A variant as described from outside. `stock` counts where the variant is new, and only there.

    `oversell` is Shopify's inventory policy `continue`: it may be bought when there is none left.
    Without `sku` an existing one stays and a new one is made.
    """

    price: Money
    options: tuple[str, ...] = ()
    id: UUID | None = None
    sku: str | None = None
    compare_at_price: Money | None = None
    stock: int = 0
    weight_grams: int = 0
    barcode: str | None = None
    taxable: bool = True
    requires_shipping: bool = True
    tracked: bool = True
    oversell: bool = False
    image_url: str | None = None


class ProductDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What a product says of itself, besides variants and images. `status` is a `domain.product.Status`."""

    title: str
    description: str = ""
    vendor: str = ""
    product_type: str = ""
    status: str = "draft"
    category_id: UUID | None = None
    tags: tuple[str, ...] = ()
    seo_title: str = ""
    seo_description: str = ""


LENGTHS = {"title": 255, "description": 65_535, "vendor": 160, "product_type": 160, "seo_title": 255}
LENGTHS["seo_description"] = 1000


def check_details(details: ProductDetails) -> None:
    """Raise `ProductInvalid` for a missing title, or a text or list that is too long."""
    faults = []
    if not is_visible(details.title):
        faults.append(("title", "a product needs a title"))
    for name, longest in LENGTHS.items():
        if len(getattr(details, name)) > longest:
            faults.append((name, f"at most {longest} characters"))
    if len(details.tags) > MAX_TAGS or any(len(tag) > 160 for tag in details.tags):
        faults.append(("tags", f"at most {MAX_TAGS} tags of 160 characters"))
    _refuse(faults)


def check_variants(options: Sequence[str], variants: Sequence[VariantSpec], currency: str) -> None:
    """Raise `ProductInvalid` unless every variant has one distinct combination of the options' values."""
    faults = []
    if len(options) > MAX_OPTIONS or len(set(options)) != len(options):
        faults.append(("options", f"at most {MAX_OPTIONS} options, each with a name of its own"))
    if not all(0 < len(name.strip()) <= 60 for name in options):
        faults.append(("options", "an option's name has 1 to 60 characters"))
    if not 1 <= len(variants) <= MAX_VARIANTS:
        faults.append(("variants", f"1 to {MAX_VARIANTS} variants"))
    seen: set[tuple[str, ...]] = set()
    skus: set[str] = set()
    for i, spec in enumerate(variants):
        if len(spec.options) != len(options) or not all(0 < len(v.strip()) <= 120 for v in spec.options):
            faults.append((f"variants/{i}/options", "one value of 1 to 120 characters for each option"))
        if spec.options in seen:
            faults.append((f"variants/{i}/options", "another variant has the same values"))
        if spec.sku and spec.sku in skus:
            faults.append((f"variants/{i}/sku", "another variant has the same SKU"))
        seen.add(spec.options)
        skus.add(spec.sku or "")
        faults += [(f"variants/{i}/{field}", problem) for field, problem in _numbers(spec, currency)]
    _refuse(faults)


def _numbers(spec: VariantSpec, currency: str) -> list[tuple[str, str]]:
    faults = []
    for name, money in (("price", spec.price), ("compareAtPrice", spec.compare_at_price)):
        if money is not None and money.currency != currency:
            faults.append((name, f"this shop sells in {currency}"))
        if money is not None and not 0 <= money.amount <= MAX_AMOUNT:
            faults.append((name, "not below zero, and within bounds"))
    if not 0 <= spec.stock <= MAX_STOCK:
        faults.append(("stock", f"0 to {MAX_STOCK}"))
    if not 0 <= spec.weight_grams <= 1_000_000_000:
        faults.append(("weightGrams", "0 to 1,000,000,000"))
    for name, code in (("sku", spec.sku or ""), ("barcode", spec.barcode or "")):
        hidden = hidden_character(code)
        if hidden or code != code.strip():
            faults.append((name, f"it holds {hidden or 'blanks around it'}, which nobody sees"))
        if len(code) > 120:
            faults.append((name, "at most 120 characters"))
    return faults


def _refuse(faults: list[tuple[str, str]]) -> None:
    if faults:
        details = [Detail(f"/{_camel(field)}", "INVALID_VALUE", problem) for field, problem in faults]
        raise ProductInvalid(problem=f"{faults[0][0]}: {faults[0][1]}", details=details)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
