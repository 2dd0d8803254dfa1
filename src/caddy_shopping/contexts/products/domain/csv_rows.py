"""Products to the rows of a Shopify product CSV, the way `shopify_csv` reads them."""

from collections.abc import Iterator
from itertools import zip_longest

from caddy_shopping.contexts.products.domain import csv_columns as column
from caddy_shopping.contexts.products.domain.csv_cells import OURS, quoted_identifier
from caddy_shopping.contexts.products.domain.csv_details import written_category
from caddy_shopping.contexts.products.domain.csv_variants import ONLY_NAME, ONLY_VALUE
from caddy_shopping.contexts.products.domain.product import Image, Status
from caddy_shopping.contexts.products.domain.product_draft import CatalogueEntry
from caddy_shopping.contexts.products.domain.specs import VariantSpec

HEADER = list(column.EXPORTED)


def rows_of(entry: CatalogueEntry, base_url: str = "") -> Iterator[list[str]]:
    """One row for each variant or image, whichever are more; the first speaks for the product too.

    `base_url` (`https://shop.example`) makes addresses of uploaded pictures whole, for other shops to fetch.
    """
    for number, (variant, image) in enumerate(zip_longest(entry.variants, entry.images), 1):
        cells = {column.HANDLE: entry.handle}
        if number == 1:
            cells |= _product(entry)
        if variant is not None:
            cells |= _variant(variant, entry.options, base_url, named=number == 1)
        if image is not None:
            cells |= _image(image, number, base_url)
        yield [cells.get(name, "") for name in HEADER]


def _product(entry: CatalogueEntry) -> dict[str, str]:
    details = entry.details
    return {
        column.TITLE: details.title,
        column.BODY: details.description,
        column.VENDOR: details.vendor,
        column.TYPE: details.product_type,
        column.TAGS: ", ".join(details.tags),
        column.PUBLISHED: _truth(details.status == Status.ACTIVE),
        column.GIFT_CARD: "false",
        column.SEO_TITLE: details.seo_title,
        column.SEO_DESCRIPTION: details.seo_description,
        column.STATUS: str(details.status),
        column.CATEGORY_PATH: written_category(entry.category),
    }


def _variant(spec: VariantSpec, options: tuple[str, ...], base_url: str, *, named: bool) -> dict[str, str]:
    names, values = (options, spec.options) if options else ((ONLY_NAME,), (ONLY_VALUE,))
    cells = dict(zip(column.OPTION_NAMES, names, strict=False)) if named else {}
    cells |= dict(zip(column.OPTION_VALUES, values, strict=False))
    return cells | {
        column.SKU: quoted_identifier(spec.sku or ""),
        column.GRAMS: str(spec.weight_grams),
        column.TRACKER: "shopify" if spec.tracked else "",
        column.QUANTITY: str(spec.stock),
        column.POLICY: "continue" if spec.oversell else "deny",
        column.FULFILLMENT: "manual",
        column.PRICE: spec.price.decimal(),
        column.COMPARE_AT: "" if spec.compare_at_price is None else spec.compare_at_price.decimal(),
        column.SHIPPING: _truth(spec.requires_shipping),
        column.TAXABLE: _truth(spec.taxable),
        column.BARCODE: quoted_identifier(spec.barcode or ""),
        column.VARIANT_IMAGE: _whole_address(spec.image_url or "", base_url),
        column.WEIGHT_UNIT: "g",
    }


def _image(image: Image, number: int, base_url: str) -> dict[str, str]:
    return {
        column.IMAGE: _whole_address(image.url, base_url),
        column.IMAGE_POSITION: str(number),
        column.IMAGE_ALT: image.alt,
    }


def _whole_address(url: str, base_url: str) -> str:
    return f"{base_url.rstrip('/')}{url}" if url.startswith(OURS) else url


def _truth(value: bool) -> str:
    return "true" if value else "false"
