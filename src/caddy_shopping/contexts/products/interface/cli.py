"""`import-products`, `export-products` and `seed`."""

import asyncio
import sys
from pathlib import Path

import rich_click as click

from caddy_shopping.contexts.products.application.seed_catalogue import DEMO_STOCK
from caddy_shopping.contexts.products.interface.export_command import export_file
from caddy_shopping.contexts.products.interface.import_command import import_files
from caddy_shopping.platform.module import OpenModule


def commands(open_module: OpenModule) -> list[click.Command]:
    """The catalogue's commands; each opens the context for itself."""
    return [_import_products(open_module), _export_products(open_module), _seed(open_module)]


def _import_products(open_module: OpenModule) -> click.Command:
    @click.command("import-products")
    @click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option(
        "--set-stock",
        is_flag=True,
        help="Also set the stock of variants that are in the shop already. Without it the shop's own count stays,"
        " since orders may have come in after the file was written.",
    )
    @click.option("--lenient", is_flag=True, help="Exit with 0 even where rows were refused.")
    def import_products(files: tuple[Path, ...], set_stock: bool, lenient: bool) -> None:
        """Take products from Shopify product CSV FILES into the shop.

        A product is known by its Handle: one that is there is changed where the file differs, a new one is
        created, and nothing is ever removed. A file can be imported again at any time, and one that was
        stopped half way is finished by importing it once more.

        A row that cannot be taken is named with its line and the reason, and the others are taken. The exit
        code is 1 then, unless --lenient is given. A bad first row of a product refuses that product.

        \b
        caddy-shopping import-products products_export.csv
        caddy-shopping import-products --set-stock delivery.csv
        """
        clean = asyncio.run(import_files(open_module, files, set_stock=set_stock))
        if not (clean or lenient):
            sys.exit(1)

    return import_products


def _export_products(open_module: OpenModule) -> click.Command:
    @click.command("export-products")
    @click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
    @click.option("--base-url", default="", metavar="URL", help="Put before the addresses of uploaded pictures.")
    def export_products(file: Path, base_url: str) -> None:
        """Write all products as a Shopify product CSV to FILE, or to standard output.

        Drafts and archived products are in it too, with their Status. Imported into an empty shop, the file
        gives the same catalogue: every cell is written as it is, also one that begins with = + - or @. A
        spreadsheet may take such a cell for a formula: open a file of untrusted texts as text, not as formulas.

        \b
        caddy-shopping export-products products.csv
        caddy-shopping export-products --base-url https://shop.example - | gzip > products.csv.gz
        """
        click.echo(asyncio.run(export_file(open_module, file, base_url)), err=True)

    return export_products


def _seed(open_module: OpenModule) -> click.Command:
    @click.command("seed")
    @click.option(
        "--demo-stock",
        default=DEMO_STOCK,
        show_default=True,
        type=click.IntRange(0, 1_000_000),
        help="Stock of each demo variant whose stock is counted.",
    )
    def seed(demo_stock: int) -> None:
        """Load the demo catalogue into a shop that has no products of its own.

        Sixty products: apparel, jewelery, home and garden. Run again, it changes nothing.
        """

        async def load() -> str:
            async with open_module() as module:
                done: str = await module.use_cases.seed(demo_stock)
                return done

        click.echo(asyncio.run(load()) or "Nothing to load: the shop has products already.")

    return seed
