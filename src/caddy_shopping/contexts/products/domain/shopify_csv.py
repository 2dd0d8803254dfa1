"""The Shopify product CSV, rows to products.

A product is one or more rows with its Handle. Its first row speaks for the product itself (Title, Body,
Tags …); every row may add a variant (option values, price, SKU), an image, or both.

What we decided where the format leaves it open:
- A handle that comes back later in the file, or is in the shop already, is *the same product*: variants
  and images are added or changed, never removed. Without a Title such rows leave the product itself alone.
- The first row that names options names them for the product; a later row's other name changes nothing.
- `Gift Card` products come in as drafts: the shop cannot issue gift codes and must not take money for them.
- `Published` false is a draft, unless `Status` says archived.
- Without a `Category Path` (ours) or a `Product Category` (Shopify's) the Type is the category, without a
  Type the first tag.
- Zero-width and right-to-left marks stay in texts. In handle, SKU and barcode, which people type or scan,
  a character that nobody sees is refused: stripped, two different codes could silently become one.
"""

from collections.abc import Iterable, Iterator

from caddy_shopping.contexts.products.domain import csv_columns as column
from caddy_shopping.contexts.products.domain.csv_cells import check_printable, handle, truth
from caddy_shopping.contexts.products.domain.csv_columns import Columns, Row
from caddy_shopping.contexts.products.domain.csv_details import category_of, details_of, said_category
from caddy_shopping.contexts.products.domain.csv_errors import (
    FirstRowRefused,
    HeaderMissing,
    RowEmpty,
    RowRefused,
    shown,
)
from caddy_shopping.contexts.products.domain.csv_variants import image_of, option_names, variant_of
from caddy_shopping.contexts.products.domain.product_draft import (
    CategoryName,
    ImageDraft,
    ProductDraft,
    Record,
    Refusal,
    VariantDraft,
)
from caddy_shopping.contexts.products.domain.specs import ProductDetails

ROWS_AT_ONCE = 500
"""A longer run of rows of one handle becomes several drafts of the same product: memory stays bounded."""


class ShopifyCsv:
    """Reads one file's records. `rows` and `gift_cards` count, `not_kept` names the columns left out."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._columns: Columns | None = None
        self.rows = 0
        self.blank_rows = 0
        self.gift_cards = 0

    @property
    def not_kept(self) -> list[str]:
        return self._columns.not_kept if self._columns else []

    def products(self, records: Iterable[Record | Refusal]) -> Iterator[ProductDraft | Refusal]:
        """Drafts and refused rows, in the file's order, as the records come in.

        The first record is the header. Raises `FileRefused` where it is none.
        """
        waiting = iter(records)
        columns = self._columns = _header(waiting)
        group: _Group | None = None
        for record in waiting:
            if _blank(record):
                self.blank_rows += 1
                continue
            self.rows += 1
            if isinstance(record, Refusal):
                yield record
                continue
            try:
                row = columns.read(record.cells)
            except RowRefused as error:
                yield Refusal(record.line, "", error)
                continue
            if group is None or not group.goes_on(row):
                if group:
                    yield from group.drafts(columns.given)
                group = _Group(row[column.HANDLE])
            refusal = self._take(group, record.line, row)
            if refusal:
                yield refusal
        if group:
            yield from group.drafts(columns.given)

    def _take(self, group: "_Group", line: int, row: Row) -> Refusal | None:
        if group.refused_at is not None:
            name = shown(group.handle)
            return Refusal(line, name, FirstRowRefused(handle=name, first=group.refused_at))
        try:
            check_printable(row)
            group.read(line, row, self._currency)
        except RowRefused as error:
            if not group.lines:
                group.refused_at = line
            return Refusal(line, shown(group.handle), error)
        self.gift_cards += group.gift_card and len(group.lines) == 1
        return None


class _Group:
    """Rows of one handle that follow each other."""

    def __init__(self, written: str) -> None:
        self.written = self.handle = written
        self.lines: list[int] = []
        self.refused_at: int | None = None
        self.details: ProductDetails | None = None
        self.status_said = self.category_said = self.gift_card = False
        self.category: tuple[CategoryName, ...] = ()
        self.option_names: tuple[str, ...] | None = None
        self.variants: list[VariantDraft] = []
        self.images: list[ImageDraft] = []

    def goes_on(self, row: Row) -> bool:
        """Whether the row belongs here too."""
        return row[column.HANDLE] == self.written and len(self.lines) < ROWS_AT_ONCE

    def read(self, line: int, row: Row, currency: str) -> None:
        """Take the row whole or not at all: everything is read before anything is kept."""
        name = self.handle if self.lines else handle(row, column.HANDLE)
        first = not self.lines and bool(row[column.TITLE].strip())
        details = details_of(row) if first else None
        category = category_of(row) if first else ()
        names = option_names(row)
        variant, image = variant_of(line, row, currency), image_of(line, row)
        if not first and variant is None and image is None:
            raise RowEmpty()
        if details:
            self.details, self.category = details, category
            self.status_said, self.category_said = bool(row[column.STATUS].strip()), said_category(row) is not None
            self.gift_card = truth(row, column.GIFT_CARD, blank=False)
        if self.option_names is None:
            self.option_names = names
        self.handle = name
        self.lines.append(line)
        self.variants.extend([variant] if variant else [])
        self.images.extend([image] if image else [])

    def drafts(self, given: frozenset[str]) -> Iterator[ProductDraft]:
        if self.lines:
            yield ProductDraft(
                lines=tuple(self.lines),
                handle=self.handle,
                given=given,
                details=self.details,
                status_said=self.status_said,
                category=self.category,
                category_said=self.category_said,
                option_names=self.option_names,
                variants=tuple(self.variants),
                images=tuple(self.images),
            )


def _header(records: Iterator[Record | Refusal]) -> Columns:
    header = next((record for record in records if not _blank(record)), None)
    if header is None:
        raise HeaderMissing(missing="everything", found="nothing")
    if isinstance(header, Refusal):
        raise HeaderMissing(missing="a line that can be read", found=str(header))
    return Columns(header.cells)


def _blank(record: Record | Refusal) -> bool:
    return isinstance(record, Record) and not any(cell.strip() for cell in record.cells)
