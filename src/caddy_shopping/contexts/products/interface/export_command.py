"""The catalogue into a file."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from caddy_shopping.contexts.products.application.export_products import ExportProducts, export_catalogue
from caddy_shopping.contexts.products.domain.csv_rows import HEADER
from caddy_shopping.contexts.products.interface.csv_files import write_rows
from caddy_shopping.kernel.actor import SYSTEM
from caddy_shopping.platform.module import OpenModule

STDOUT = Path("-")


async def export_file(open_module: OpenModule, path: Path, base_url: str) -> str:
    """Write all products to `path` (`-`: standard output), one page in memory at a time; what was written.

    A file is there when it is whole: until then its content grows beside it, and an old one stays.
    """
    products = rows = 0
    async with open_module() as module:
        with _opened(path) as out:
            write_rows(out, [HEADER])
            run_page = partial(module.run, module.use_cases.export_products)
            async for page in export_catalogue(run_page, ExportProducts(actor=SYSTEM, base_url=base_url)):
                write_rows(out, page.rows)
                products += len(page.handles)
                rows += len(page.rows)
    return f"Written: products {products:,}, rows {rows:,}."


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path == STDOUT:
        # The bytes as they are, in UTF-8, whatever the terminal speaks.
        out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        try:
            yield out
        finally:
            out.detach()
        return
    growing = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with growing.open("w", encoding="utf-8", newline="") as out:
            yield out
        growing.replace(path)
    finally:
        growing.unlink(missing_ok=True)
