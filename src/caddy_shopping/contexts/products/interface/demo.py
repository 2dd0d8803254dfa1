"""The demo catalogue that comes with the package: Shopify's own sample files."""

from collections.abc import Iterator
from importlib.resources import files

from caddy_shopping.contexts.products.domain.product_draft import ProductDraft, Refusal
from caddy_shopping.contexts.products.domain.shopify_csv import ShopifyCsv
from caddy_shopping.contexts.products.interface.csv_files import CsvFile

FILES = ("apparel.csv", "home-and-garden.csv", "jewelery.csv")


def demo_products(currency: str) -> Iterator[ProductDraft | Refusal]:
    """Its sixty products, priced in `currency`."""
    folder = files("caddy_shopping.contexts.products") / "demo"
    for name in FILES:
        with (folder / name).open("rb") as binary:
            yield from ShopifyCsv(currency).products(CsvFile(binary).records())
