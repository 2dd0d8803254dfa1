"""Write the whole catalogue down, page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.application.ports import MANAGE
from caddy_shopping.contexts.products.domain.csv_rows import rows_of
from caddy_shopping.contexts.products.domain.product_draft import CatalogueEntry
from caddy_shopping.kernel.actor import Actor

PAGE = 200


class ExportQueries(Protocol):
    async def entries(self, after: UUID | None, limit: int) -> list[tuple[UUID, CatalogueEntry]]:
        """`limit` products of every status behind the id `after`, oldest first; archived variants left out."""
        ...


class ExportProducts(msgspec.Struct, frozen=True, kw_only=True):
    """The page behind `after` (None: the first). `base_url` makes addresses of uploaded pictures whole."""

    actor: Actor
    after: UUID | None = None
    base_url: str = ""


class ExportedPage(msgspec.Struct, frozen=True):
    """Rows of whole products; `next` is what to ask for next, None on the last page."""

    handles: list[str]
    rows: list[list[str]]
    next: UUID | None


class ExportProductsHandler(msgspec.Struct, frozen=True):
    queries: ExportQueries

    async def __call__(self, command: ExportProducts) -> ExportedPage:
        """Give some products as rows of a Shopify product CSV, every status and all variants on offer."""
        command.actor.require(MANAGE)
        entries = await self.queries.entries(command.after, PAGE)
        rows = [row for _, entry in entries for row in rows_of(entry, command.base_url)]
        return ExportedPage(
            [entry.handle for _, entry in entries], rows, entries[-1][0] if len(entries) == PAGE else None
        )


async def export_catalogue(
    run_page: Callable[[ExportProducts], Awaitable[ExportedPage]], first: ExportProducts
) -> AsyncIterator[ExportedPage]:
    """All pages, one after the other; products made meanwhile come last."""
    command = first
    while True:
        page = await run_page(command)
        yield page
        if page.next is None:
            return
        command = msgspec.structs.replace(command, after=page.next)
