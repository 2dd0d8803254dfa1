"""Files into the catalogue, with a progress bar and an account of every row."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from caddy_shopping.contexts.products.application.import_catalogue import ImportTotals, import_catalogue
from caddy_shopping.contexts.products.application.import_products import ImportProducts, ImportReport
from caddy_shopping.contexts.products.domain.csv_errors import FileRefused, shown
from caddy_shopping.contexts.products.domain.csv_merge import CREATED, UNCHANGED, UPDATED
from caddy_shopping.contexts.products.domain.product_draft import ProductDraft, Refusal
from caddy_shopping.contexts.products.domain.shopify_csv import ShopifyCsv
from caddy_shopping.contexts.products.interface.csv_files import CsvFile
from caddy_shopping.kernel.actor import SYSTEM
from caddy_shopping.platform.module import Module, OpenModule


async def import_files(open_module: OpenModule, paths: Sequence[Path], *, set_stock: bool) -> bool:
    """Import the files in their order; whether every row of all of them was taken.

    Progress and refused rows go to standard error, the account of each file to standard output.
    """
    accounts = []
    async with open_module() as module:
        for path in paths:
            account = _Account(path, ShopifyCsv(module.use_cases.import_products.currency))
            await _import(module, account, set_stock)
            account.show(Console())
            accounts.append(account)
    return all(account.clean for account in accounts)


@dataclass
class _Account:
    """What became of one file."""

    path: Path
    reader: ShopifyCsv
    totals: ImportTotals = field(default_factory=ImportTotals)
    stopped: bool = False

    @property
    def name(self) -> str:
        return shown(self.path.name)

    @property
    def clean(self) -> bool:
        return not self.stopped and not self.totals.rows_refused

    def show(self, console: Console) -> None:
        totals, reader = self.totals, self.reader
        table = Table("", CREATED, UPDATED, UNCHANGED, "refused", title=self.name, title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for kind, counts in (("products", totals.products), ("variants", totals.variants), ("images", totals.images)):
            refused = f"{counts['refused']:,}" if kind == "products" else ""
            table.add_row(kind, *(f"{counts[fate]:,}" for fate in (CREATED, UPDATED, UNCHANGED)), refused)
        console.print(table)
        for line in self._remarks(totals, reader):
            console.out(line, highlight=False)

    def _remarks(self, totals: ImportTotals, reader: ShopifyCsv) -> list[str]:
        blank = f", {reader.blank_rows:,} blank" if reader.blank_rows else ""
        rows = totals.rows_taken + totals.rows_refused
        remarks = [f"{rows:,} rows: {totals.rows_taken:,} taken, {totals.rows_refused:,} refused{blank}."]
        if reader.gift_cards:
            remarks.append(f"Gift cards, kept as drafts since this shop issues no gift codes: {reader.gift_cards:,}.")
        if reader.not_kept:
            columns = shown(", ".join(reader.not_kept), 1000)
            remarks.append(f"Columns with values that this shop has no place for: {columns}.")
        if self.stopped:
            remarks.append("Stopped there. What was taken before stays; mend the file and import it again.")
        elif totals.rows_refused:
            remarks.append("Mend the refused rows and import the file again: what is in already is recognised.")
        return remarks


async def _import(module: Module, account: _Account, set_stock: bool) -> None:
    handler = module.use_cases.import_products

    def run_batch(drafts: list[ProductDraft]) -> Awaitable[ImportReport]:
        return module.run(handler, ImportProducts(actor=SYSTEM, drafts=drafts, set_stock=set_stock))

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True))
    with account.path.open("rb") as binary, bar:
        file = CsvFile(binary)
        task = bar.add_task(account.name, total=account.path.stat().st_size)

        def refused(refusal: Refusal) -> None:
            bar.console.out(f"{account.name}:{refusal.line}: {refusal}", highlight=False)

        def progressed() -> None:
            bar.update(task, completed=file.bytes_read)

        try:
            items = account.reader.products(file.records())
            await import_catalogue(items, run_batch, account.totals, refused, progressed)
        except FileRefused as error:
            account.stopped = True
            bar.console.out(f"{account.name}: {error}", highlight=False)
        progressed()
