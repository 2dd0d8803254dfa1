"""The catalogue's import, export and seed on a scratch database."""

import io
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

from sqlalchemy import func, select, text

from caddy_shopping.contexts.products.application.export_products import (
    ExportProducts,
    ExportProductsHandler,
    export_catalogue,
)
from caddy_shopping.contexts.products.application.import_catalogue import ImportTotals, import_catalogue
from caddy_shopping.contexts.products.application.import_products import (
    ImportProducts,
    ImportProductsHandler,
    ImportReport,
)
from caddy_shopping.contexts.products.application.seed_catalogue import SeedCatalogue
from caddy_shopping.contexts.products.domain.csv_rows import HEADER
from caddy_shopping.contexts.products.domain.product_draft import CatalogueEntry, ProductDraft, Refusal
from caddy_shopping.contexts.products.domain.shopify_csv import ShopifyCsv
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.infrastructure.csv_bulk import SqlImportTransaction
from caddy_shopping.contexts.products.infrastructure.csv_export import SqlExportQueries
from caddy_shopping.contexts.products.infrastructure.mapping import map_products
from caddy_shopping.contexts.products.interface.csv_files import CsvFile
from caddy_shopping.contexts.products.interface.demo import demo_products
from caddy_shopping.kernel.actor import SYSTEM
from caddy_shopping.platform.module import Module
from tests.contexts.products.csv_support import csv_of_rows, csv_text
from tests.support.database import Bench


@dataclass
class ImportShop:
    """Imports and exports as the commands do, without files."""

    bench: Bench
    module: Module
    queries: SqlExportQueries
    refusals: list[Refusal] = field(default_factory=list)

    async def take(self, content: str | bytes, *, set_stock: bool = False, currency: str = "CNY") -> ImportTotals:
        """Import a file; its refused rows are in `refusals` then."""
        data = content if isinstance(content, bytes) else content.encode()
        return await self.take_items(ShopifyCsv(currency).products(CsvFile(io.BytesIO(data)).records()), set_stock)

    async def take_rows(self, *rows: dict[str, str], set_stock: bool = False) -> ImportTotals:
        return await self.take(csv_text(*rows), set_stock=set_stock)

    async def take_items(self, items: Iterable[ProductDraft | Refusal], set_stock: bool = False) -> ImportTotals:
        self.refusals.clear()
        totals = ImportTotals()

        async def run_batch(drafts: list[ProductDraft]) -> ImportReport:
            command = ImportProducts(actor=SYSTEM, drafts=drafts, set_stock=set_stock)
            return await self.module.run(self.module.use_cases.import_products, command)

        await import_catalogue(items, run_batch, totals, self.refusals.append, lambda: None)
        return totals

    async def exported(self) -> str:
        """The export as text."""
        run_page = partial(self.module.run, self.module.use_cases.export_products)
        rows = [HEADER]
        async for page in export_catalogue(run_page, ExportProducts(actor=SYSTEM)):
            rows += page.rows
        return csv_of_rows(rows)

    async def entries(self) -> list[CatalogueEntry]:
        """The whole catalogue, oldest first."""
        return [entry for _, entry in await self.queries.entries(None, 1_000_000)]

    async def entry(self, handle: str) -> CatalogueEntry:
        return next(entry for entry in await self.entries() if entry.handle == handle)

    async def rows(self, table: Any) -> list[Any]:
        async with self.bench.kit.database.read() as connection:
            return list(await connection.execute(select(table)))

    async def found(self, words: str) -> int:
        """How many products full-text search knows `words` of."""
        async with self.bench.kit.database.read() as connection:
            if self.bench.kit.database.dialect == "sqlite":
                statement = text("SELECT count(*) FROM product_texts_fts WHERE product_texts_fts MATCH :words")
                return int((await connection.execute(statement, {"words": f'"{words}"'})).scalar_one())
            known = select(func.count()).where(tables.texts.c.body.contains(words))
            return int((await connection.execute(known)).scalar_one())

    def open_module(self) -> AbstractAsyncContextManager[Module]:
        """As `OpenModule` does it, on this shop."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Module]:
            yield self.module

        return opened()


async def open_shop(make_bench: Callable[..., Any], currency: str = "CNY") -> ImportShop:
    """A shop without products."""
    map_products()
    bench: Bench = await make_bench("products", tables.metadata, tables.platform_tables)
    kit = bench.kit
    queries = SqlExportQueries(kit.database)
    importer = ImportProductsHandler(kit.unit_of_work(SqlImportTransaction), kit.clock, currency)
    exporter = ExportProductsHandler(queries)
    seed = SeedCatalogue(kit.run, importer, exporter, partial(demo_products, currency))
    use_cases = SimpleNamespace(import_products=importer, export_products=exporter, seed=seed)
    return ImportShop(bench, Module("products", use_cases, kit.run), queries)
