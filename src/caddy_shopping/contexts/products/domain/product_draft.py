"""What a row or a product of an imported file says, before it meets the shop's own catalogue."""

from dataclasses import dataclass
from typing import NamedTuple

from caddy_shopping.contexts.products.domain.product import Image
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec
from caddy_shopping.kernel.errors import ShopError


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the file; `line` is the physical line (from 1) on which it begins."""

    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that could not be taken, and why. `handle` is the product's where the row has one."""

    line: int
    handle: str
    error: ShopError

    def __str__(self) -> str:
        return self.error.message("en")


class CategoryName(NamedTuple):
    """One step of the way from the root down; `slug` is empty where it is for the shop to make one."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class VariantDraft:
    """`spec.options` are values in the order of the product's option names."""

    line: int
    spec: VariantSpec


@dataclass(frozen=True, slots=True)
class ImageDraft:
    line: int
    image: Image
    position: int | None


@dataclass(frozen=True, slots=True)
class ProductDraft:
    """Consecutive rows of one handle.

    `details` is None where the first row has no title: more of a product that is known already.
    `category` goes from the root down. `option_names` is None where the rows name none: those
    of the product in the shop hold. `given` names the fields of `ProductDetails` and `VariantSpec`
    that the file has a column for: of a known product, the others stay as they are.
    """

    lines: tuple[int, ...]
    handle: str
    given: frozenset[str]
    details: ProductDetails | None = None
    status_said: bool = False
    """Whether the row has a Status of its own; without one, an archived product stays archived."""
    category: tuple[CategoryName, ...] = ()
    category_said: bool = False
    """Whether the row names the category itself, rather than a Type or a tag that stands for one."""
    option_names: tuple[str, ...] | None = None
    variants: tuple[VariantDraft, ...] = ()
    images: tuple[ImageDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A whole product of the shop as it is written to a file; `category` from the root down."""

    handle: str
    details: ProductDetails
    category: tuple[CategoryName, ...]
    options: tuple[str, ...]
    variants: tuple[VariantSpec, ...]
    images: tuple[Image, ...]
