"""What one row of a product CSV says about a variant and an image."""

from caddy_shopping.contexts.products.domain import csv_columns as column
from caddy_shopping.contexts.products.domain.csv_cells import choice, grams, identifier, price, text, truth, url, whole
from caddy_shopping.contexts.products.domain.csv_columns import Row
from caddy_shopping.contexts.products.domain.csv_errors import PriceMissing
from caddy_shopping.contexts.products.domain.product import Image
from caddy_shopping.contexts.products.domain.product_draft import ImageDraft, VariantDraft
from caddy_shopping.contexts.products.domain.specs import VariantSpec

ONLY_NAME, ONLY_VALUE = "Title", "Default Title"
"""How the format writes a product that has no options."""
CODE_LENGTH, NAME_LENGTH, VALUE_LENGTH, ALT_LENGTH = 120, 60, 120, 512


def variant_of(line: int, row: Row, currency: str) -> VariantDraft | None:
    """The variant of a row that has option values, a SKU or a price; None for an image-only row.

    Stock is tracked where the row names an inventory tracker.
    """
    options = option_values(row)
    sku = identifier(row, column.SKU, CODE_LENGTH)
    amount = price(row, column.PRICE, currency)
    if not options and not sku and amount is None:
        return None
    if amount is None:
        raise PriceMissing()
    spec = VariantSpec(
        options=() if options == (ONLY_VALUE,) else options,
        sku=sku or None,
        price=amount,
        compare_at_price=price(row, column.COMPARE_AT, currency),
        stock=whole(row, column.QUANTITY),
        weight_grams=grams(row),
        barcode=identifier(row, column.BARCODE, CODE_LENGTH) or None,
        taxable=truth(row, column.TAXABLE, blank=True),
        requires_shipping=truth(row, column.SHIPPING, blank=True),
        tracked=bool(row[column.TRACKER].strip()),
        oversell=choice(row, column.POLICY, ("deny", "continue"), blank="deny") == "continue",
        image_url=url(row, column.VARIANT_IMAGE),
    )
    return VariantDraft(line, spec)


def image_of(line: int, row: Row) -> ImageDraft | None:
    """The image of a row that has one. Its position counts from 1."""
    address = url(row, column.IMAGE)
    if address is None:
        return None
    position = whole(row, column.IMAGE_POSITION) or None
    return ImageDraft(line, Image(address, text(row, column.IMAGE_ALT, ALT_LENGTH)), position)


def option_names(row: Row) -> tuple[str, ...] | None:
    """The option names of a row; None where it names none, `()` for a product without options."""
    names = _filled(row, column.OPTION_NAMES, NAME_LENGTH)
    if names == (ONLY_NAME,) and option_values(row) == (ONLY_VALUE,):
        return ()
    return names or None


def option_values(row: Row) -> tuple[str, ...]:
    """The option values of a row."""
    return _filled(row, column.OPTION_VALUES, VALUE_LENGTH)


def _filled(row: Row, columns: tuple[str, ...], limit: int) -> tuple[str, ...]:
    cells = [text(row, name, limit) for name in columns]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)
