"""What the first row of a product says about the product itself."""

import re

from caddy_shopping.contexts.products.domain import csv_columns as column
from caddy_shopping.contexts.products.domain.csv_cells import as_written, choice, text, truth
from caddy_shopping.contexts.products.domain.csv_columns import Row
from caddy_shopping.contexts.products.domain.csv_errors import TooLong
from caddy_shopping.contexts.products.domain.product import Status
from caddy_shopping.contexts.products.domain.product_draft import CategoryName
from caddy_shopping.contexts.products.domain.slug import slug_of
from caddy_shopping.contexts.products.domain.specs import LENGTHS, ProductDetails

CATEGORY_LENGTH = 160
SEPARATOR = " > "
"""Between the names of a category's path, from the root down."""
_STEP = re.compile(r"([^\s=]+)=(.+?)(?= > [^\s=]+=|$)", re.DOTALL)
_NONE = "-"


def details_of(row: Row) -> ProductDetails:
    """Title, texts, tags and status; the category is for the shop to find (`category_of`)."""
    return ProductDetails(
        title=text(row, column.TITLE, LENGTHS["title"]),
        description=as_written(row, column.BODY, LENGTHS["description"]),
        vendor=text(row, column.VENDOR, LENGTHS["vendor"]),
        product_type=text(row, column.TYPE, LENGTHS["product_type"]),
        status=_status(row),
        tags=_tags(row),
        seo_title=text(row, column.SEO_TITLE, LENGTHS["seo_title"]),
        seo_description=text(row, column.SEO_DESCRIPTION, LENGTHS["seo_description"]),
    )


def category_of(row: Row) -> tuple[CategoryName, ...]:
    """From the root down: the category that the row says, else the Type, else the first tag, else none."""
    path = said_category(row)
    if path is None:
        path = tuple([CategoryName("", name) for name in (row[column.TYPE].strip(), *_tags(row)) if name][:1])
    for step in path:
        if len(step.name) > CATEGORY_LENGTH:
            raise TooLong(column=column.CATEGORY, length=len(step.name), limit=CATEGORY_LENGTH)
    return path


def said_category(row: Row) -> tuple[CategoryName, ...] | None:
    """The `Category Path` that an export of ours writes, else Shopify's `Product Category`; None for neither."""
    own = row[column.CATEGORY_PATH].strip()
    if own:
        return tuple(CategoryName(slug_of(slug), name) for slug, name in _STEP.findall(own))
    path = tuple(CategoryName("", name.strip()) for name in row[column.CATEGORY].split(SEPARATOR) if name.strip())
    return path or None


def written_category(path: tuple[CategoryName, ...]) -> str:
    """How `said_category` is written: `men=Men > men-shirts=Shirts`, or `-` for no category at all."""
    return SEPARATOR.join(f"{step.slug}={step.name}" for step in path) or _NONE


def _tags(row: Row) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in row[column.TAGS].split(",") if tag.strip()))


def _status(row: Row) -> str:
    published = truth(row, column.PUBLISHED, blank=True)
    status = choice(row, column.STATUS, tuple(Status), blank=Status.ACTIVE)
    gift_card = truth(row, column.GIFT_CARD, blank=False)
    return Status.DRAFT.value if status == Status.ACTIVE and (gift_card or not published) else status
