"""Builders of product CSV text for the tests of import and export."""

import csv
import io
from pathlib import Path

from caddy_shopping.contexts.products.domain.product_draft import ProductDraft, Refusal
from caddy_shopping.contexts.products.domain.shopify_csv import ShopifyCsv
from caddy_shopping.contexts.products.interface.csv_files import CsvFile, write_rows

DEMO = Path(__file__).parents[3] / "src" / "caddy_shopping" / "contexts" / "products" / "demo"
HEADER = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Variant SKU,Variant Grams,Variant Weight,Variant Weight Unit,Variant Inventory Tracker,Variant Inventory Qty,"
    "Variant Inventory Policy,Variant Price,Variant Compare At Price,Variant Barcode,Image Src,Image Position,"
    "Image Alt Text,Variant Image,Gift Card,SEO Title,SEO Description,Status,Product Category"
).split(",")
_SHORT = {
    "handle": "Handle",
    "title": "Title",
    "body": "Body (HTML)",
    "type": "Type",
    "tags": "Tags",
    "published": "Published",
    "status": "Status",
    "name": "Option1 Name",
    "value": "Option1 Value",
    "name2": "Option2 Name",
    "value2": "Option2 Value",
    "sku": "Variant SKU",
    "grams": "Variant Grams",
    "weight": "Variant Weight",
    "unit": "Variant Weight Unit",
    "tracker": "Variant Inventory Tracker",
    "qty": "Variant Inventory Qty",
    "policy": "Variant Inventory Policy",
    "price": "Variant Price",
    "compare": "Variant Compare At Price",
    "barcode": "Variant Barcode",
    "image": "Image Src",
    "position": "Image Position",
    "alt": "Image Alt Text",
    "gift": "Gift Card",
    "category": "Product Category",
    "vendor": "Vendor",
}


def row(**cells: str) -> dict[str, str]:
    """A product's row; `row(title="Cup")` is whole and valid by itself."""
    given = {_SHORT[name]: value for name, value in cells.items()}
    return {"Handle": "cup", "Title": "Cup", "Variant Price": "5"} | given


def more(**cells: str) -> dict[str, str]:
    """A later row of the same product."""
    return row(**({"title": ""} | cells))


def csv_text(*rows: dict[str, str], line_end: str = "\n") -> str:
    """A file of these rows."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, restval="", lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def csv_of_rows(rows: list[list[str]]) -> str:
    """Rows as `export-products` writes them."""
    out = io.StringIO()
    write_rows(out, rows)
    return out.getvalue()


def read(content: str | bytes, reader: ShopifyCsv | None = None) -> tuple[list[ProductDraft], list[Refusal]]:
    """The drafts and the refused rows of a file."""
    data = content if isinstance(content, bytes) else content.encode()
    items = list((reader or ShopifyCsv("CNY")).products(CsvFile(io.BytesIO(data)).records()))
    drafts = [item for item in items if isinstance(item, ProductDraft)]
    return drafts, [item for item in items if isinstance(item, Refusal)]


def read_rows(*rows: dict[str, str]) -> tuple[list[ProductDraft], list[Refusal]]:
    return read(csv_text(*rows))
