"""The demo catalogue, for a shop that has nothing of its own yet."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from caddy_shopping.contexts.products.application.export_products import ExportProducts, ExportProductsHandler
from caddy_shopping.contexts.products.application.import_catalogue import ImportTotals, import_catalogue
from caddy_shopping.contexts.products.application.import_products import (
    ImportProducts,
    ImportProductsHandler,
    ImportReport,
)
from caddy_shopping.contexts.products.domain.product_draft import ProductDraft, Refusal
from caddy_shopping.kernel.actor import SYSTEM

DEMO_STOCK = 100


@dataclass(frozen=True, slots=True)
class SeedCatalogue:
    """`run` is the executor that both handlers run in; `demo` gives the demo's products anew at each call."""

    run: Callable[[Any, Any], Awaitable[Any]]
    import_products: ImportProductsHandler
    export_products: ExportProductsHandler
    demo: Callable[[], Iterable[ProductDraft | Refusal]]

    async def __call__(self, demo_stock: int | None = DEMO_STOCK) -> str:
        """Load the demo catalogue into a shop without products of its own; say what was done, "" where nothing was.

        One that was stopped half way goes on. What is there stays as it is, changed or not. `demo_stock` is
        the stock of each variant that is counted (None: what the files say).
        """
        first = await self.run(self.export_products, ExportProducts(actor=SYSTEM))
        lacking = _lacking(self.demo(), first.handles, demo_stock)
        if not lacking:
            return ""
        totals = ImportTotals()
        await import_catalogue(lacking, self._take, totals, lambda refusal: None, lambda: None)
        products, variants = totals.products["created"], totals.variants["created"]
        refused = f" {totals.rows_refused} rows were refused." if totals.rows_refused else ""
        return f"Loaded the demo catalogue: {products} products, {variants} variants.{refused}"

    async def _take(self, drafts: list[ProductDraft]) -> ImportReport:
        report: ImportReport = await self.run(self.import_products, ImportProducts(actor=SYSTEM, drafts=drafts))
        return report


def _lacking(
    demo: Iterable[ProductDraft | Refusal], handles: Collection[str], stock: int | None
) -> list[ProductDraft | Refusal]:
    """Those of the demo that the shop lacks; nothing where it has a product that is not the demo's."""
    items = list(demo)
    known = {item.handle for item in items}
    if not known.issuperset(handles):
        return []
    return [_stocked(item, stock) for item in items if item.handle not in handles]


def _stocked(item: ProductDraft | Refusal, stock: int | None) -> ProductDraft | Refusal:
    if stock is None or isinstance(item, Refusal):
        return item
    variants = tuple(
        replace(row, spec=msgspec.structs.replace(row.spec, stock=stock)) if row.spec.tracked else row
        for row in item.variants
    )
    return replace(item, variants=variants)
