"""A whole file, or any other stream of drafts, into the catalogue, batch by batch."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

from caddy_shopping.contexts.products.application.import_products import ImportReport
from caddy_shopping.contexts.products.domain.csv_errors import FileRefused, NotACatalogue
from caddy_shopping.contexts.products.domain.product_draft import ProductDraft, Refusal

PRODUCTS_AT_ONCE = 50
"""Products of one transaction: SQLite's one writer is held for some milliseconds, then others have their turn."""
ROWS_AT_ONCE = 500
HOPELESS = 1_000
"""Rows refused from the start on, none taken, after which the file is taken for something else."""

RunBatch = Callable[[list[ProductDraft]], Awaitable[ImportReport]]


@dataclass
class ImportTotals:
    """What became of every row and thing, over all batches."""

    products: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    rows_taken: int = 0
    rows_refused: int = 0

    def add(self, report: ImportReport) -> None:
        self.products.update(report.products)
        self.variants.update(report.variants)
        self.images.update(report.images)
        self.rows_taken += report.rows_taken


async def import_catalogue(
    items: Iterable[ProductDraft | Refusal],
    run_batch: RunBatch,
    totals: ImportTotals,
    refused: Callable[[Refusal], None],
    progressed: Callable[[], None],
) -> None:
    """Take `items` in, a transaction for every few products.

    `totals` counts what became of them, `refused` hears of each row left out, `progressed` of each batch.
    What is committed stays when it is stopped half way; taken again from the start, the rest follows.
    Memory does not grow with the stream. Raises `NotACatalogue` where nothing can be taken of it, and
    whatever reading `items` raises.
    """
    for batch in _batches(items):
        refusals = [item for item in batch if isinstance(item, Refusal)]
        drafts = [item for item in batch if isinstance(item, ProductDraft)]
        if drafts:
            report = await run_batch(drafts)
            totals.add(report)
            refusals += report.refusals
        for refusal in sorted(refusals, key=lambda refusal: refusal.line):
            totals.rows_refused += 1
            refused(refusal)
        progressed()
        if totals.rows_refused >= HOPELESS and not totals.rows_taken:
            raise NotACatalogue(rows=f"{totals.rows_refused:,}", line=refusals[-1].line)


def _batches(items: Iterable[ProductDraft | Refusal]) -> Iterator[list[ProductDraft | Refusal]]:
    """Runs of items, few enough for one transaction, in which no handle comes twice."""
    batch: list[ProductDraft | Refusal] = []
    handles, rows = set[str](), 0
    try:
        for item in items:
            draft = item if isinstance(item, ProductDraft) else None
            if (draft and draft.handle in handles) or len(handles) >= PRODUCTS_AT_ONCE or rows >= ROWS_AT_ONCE:
                yield batch
                batch, handles, rows = [], set(), 0
            batch.append(item)
            rows += len(draft.lines) if draft else 1
            handles.update([draft.handle] if draft else [])
    except FileRefused:
        # What was read before it counts; the product that was being read then is not whole, and is not here.
        yield batch
        raise
    if batch:
        yield batch
