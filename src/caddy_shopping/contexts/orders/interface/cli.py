"""`caddy-shopping orders …`: what an operator does with orders as a whole."""

import asyncio

import rich_click as click

from caddy_shopping.contexts.orders.application.keep_years import ArchiveYear
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.platform.module import OpenModule


def commands(open_module: OpenModule) -> list[click.Command]:
    """The group `orders`."""

    @click.group("orders", help="Archive the orders of old years.")
    def orders() -> None:
        pass

    @orders.command("archive-year")
    @click.argument("year", type=click.IntRange(2025))
    def archive_year(year: int) -> None:
        """Take a year's finished orders out of the shop, into tables of their own (`orders_p2025` …).

        On SQLite orders are not kept apart by year, so nothing is done there.
        """

        async def archive() -> list[str]:
            async with open_module() as module:
                detached: list[str] = await module.run(module.use_cases.archive_year, ArchiveYear(year=year))
                return detached

        try:
            detached = asyncio.run(archive())
        except ShopError as refusal:
            raise click.ClickException(str(refusal)) from None
        click.echo("\n".join(f"Detached {name}. Dump it, then drop it." for name in detached) or "Nothing to do.")

    return [orders]
