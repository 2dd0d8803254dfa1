"""The columns of the Shopify product CSV: what they are called, where they are in one file."""

from collections.abc import Iterator, Sequence

from caddy_shopping.contexts.products.domain.csv_errors import CellCountWrong, HeaderMissing, HeaderRepeated, shown

HANDLE = "Handle"
TITLE = "Title"
BODY = "Body (HTML)"
VENDOR = "Vendor"
CATEGORY = "Product Category"
TYPE = "Type"
TAGS = "Tags"
PUBLISHED = "Published"
OPTION_NAMES = ("Option1 Name", "Option2 Name", "Option3 Name")
OPTION_VALUES = ("Option1 Value", "Option2 Value", "Option3 Value")
SKU = "Variant SKU"
GRAMS = "Variant Grams"
TRACKER = "Variant Inventory Tracker"
QUANTITY = "Variant Inventory Qty"
POLICY = "Variant Inventory Policy"
FULFILLMENT = "Variant Fulfillment Service"
PRICE = "Variant Price"
COMPARE_AT = "Variant Compare At Price"
SHIPPING = "Variant Requires Shipping"
TAXABLE = "Variant Taxable"
BARCODE = "Variant Barcode"
IMAGE = "Image Src"
IMAGE_POSITION = "Image Position"
IMAGE_ALT = "Image Alt Text"
GIFT_CARD = "Gift Card"
SEO_TITLE = "SEO Title"
SEO_DESCRIPTION = "SEO Description"
VARIANT_IMAGE = "Variant Image"
WEIGHT_UNIT = "Variant Weight Unit"
STATUS = "Status"
WEIGHT = "Variant Weight"
CATEGORY_PATH = "Category Path"

EXPORTED = (
    *(HANDLE, TITLE, BODY, VENDOR, TYPE, TAGS, PUBLISHED),
    *(name for pair in zip(OPTION_NAMES, OPTION_VALUES, strict=True) for name in pair),
    *(SKU, GRAMS, TRACKER, QUANTITY, POLICY, FULFILLMENT, PRICE, COMPARE_AT, SHIPPING, TAXABLE, BARCODE),
    *(IMAGE, IMAGE_POSITION, IMAGE_ALT, GIFT_CARD, SEO_TITLE, SEO_DESCRIPTION, VARIANT_IMAGE, WEIGHT_UNIT, STATUS),
    CATEGORY_PATH,
)
"""Columns of an exported file, in Shopify's order; the last is ours, for a tree that Shopify does not have."""

# What Shopify's newer template calls the same columns.
_RENAMED = {
    "URL handle": HANDLE,
    "Description": BODY,
    "Published on online store": PUBLISHED,
    "SKU": SKU,
    "Barcode": BARCODE,
    "Price": PRICE,
    "Compare-at price": COMPARE_AT,
    "Charge tax": TAXABLE,
    "Inventory tracker": TRACKER,
    "Inventory quantity": QUANTITY,
    "Weight value (grams)": GRAMS,
    "Requires shipping": SHIPPING,
    "Product image URL": IMAGE,
    "Variant image URL": VARIANT_IMAGE,
}


# Which field of ProductDetails and VariantSpec a column fills.
_FIELDS = {
    BODY: "description",
    VENDOR: "vendor",
    TYPE: "product_type",
    TAGS: "tags",
    PUBLISHED: "status",
    STATUS: "status",
    SEO_TITLE: "seo_title",
    SEO_DESCRIPTION: "seo_description",
    SKU: "sku",
    GRAMS: "weight_grams",
    WEIGHT: "weight_grams",
    TRACKER: "tracked",
    QUANTITY: "stock",
    POLICY: "oversell",
    COMPARE_AT: "compare_at_price",
    SHIPPING: "requires_shipping",
    TAXABLE: "taxable",
    BARCODE: "barcode",
    VARIANT_IMAGE: "image_url",
}


def _plain(name: str) -> str:
    return " ".join(name.replace("\ufeff", "").split()).casefold()


_KNOWN = {_plain(name): name for name in (*EXPORTED, CATEGORY, WEIGHT)}
_KNOWN |= {_plain(new): old for new, old in _RENAMED.items()}


class Columns:
    """Where each known column is in one file, and which columns of the file nobody reads."""

    def __init__(self, header: Sequence[str]) -> None:
        """Raises `HeaderMissing` where Handle or Title is not named, `HeaderRepeated` for a column named twice."""
        self.count = len(header)
        self._place: dict[str, int] = {}
        self._unread: dict[int, str] = {}
        for place, name in enumerate(header):
            known = _KNOWN.get(_plain(name))
            if known is None:
                if name.strip():
                    self._unread[place] = name.strip()
            elif known in self._place:
                raise HeaderRepeated(column=known)
            else:
                self._place[known] = place
        missing = [name for name in (HANDLE, TITLE) if name not in self._place]
        if missing:
            raise HeaderMissing(missing=", ".join(missing), found=shown(",".join(header)))
        self.given = frozenset(field for known, field in _FIELDS.items() if known in self._place) | {"title", "price"}
        """Fields of `ProductDetails` and `VariantSpec` that the file has a column for."""
        self.not_kept: list[str] = []
        """Columns seen so far with a value in some row, which the shop has no place for."""

    def read(self, cells: list[str]) -> "Row":
        """The row by column name. Raises `CellCountWrong`."""
        if len(cells) != self.count:
            raise CellCountWrong(cells=len(cells), columns=self.count)
        for place in [place for place in self._unread if cells[place].strip()]:
            self.not_kept.append(self._unread.pop(place))
        return Row(self._place, cells)


class Row:
    """One row's cells by name. A column that the file does not have reads as blank."""

    __slots__ = ("_cells", "_place")

    def __init__(self, place: dict[str, int], cells: list[str]) -> None:
        self._place = place
        self._cells = cells

    def __getitem__(self, column: str) -> str:
        place = self._place.get(column)
        return "" if place is None else self._cells[place]

    @property
    def whole(self) -> str:
        """All cells run together, for a search that one cell is not worth."""
        return "".join(self._cells)

    def items(self) -> Iterator[tuple[str, str]]:
        """(column, cell) of every column that is read."""
        return ((column, self._cells[place]) for column, place in self._place.items())
