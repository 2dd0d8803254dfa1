"""`caddy-shopping cache`: for whoever wants to see or empty what the processes share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import rich_click as click

from caddy_shopping.main.process import Process


@click.group()
def cache() -> None:
    """What the processes of this shop keep of the catalogue, in Redis."""


@cache.command()
def warm() -> None:
    """Load what most visitors look at first. Whoever serves does so by itself every ten minutes."""
    from caddy_shopping.main.cli import run

    async def main() -> int:
        async with _shared() as process:
            warmed: int = await process.modules["products"].use_cases.warm()
            return warmed

    click.echo(f"{run(main())} products are at hand.")


@cache.command()
def clear() -> None:
    """Forget everything, in all processes. It is loaded again as it is asked for."""
    from caddy_shopping.main.cli import run

    async def main() -> None:
        async with _shared() as process:
            await process.shared.cache.clear()

    run(main())
    click.echo("Everything is forgotten.")


@cache.command()
def stats() -> None:
    """Show how much there is. Hits, misses and load times of each process are at its /metrics."""
    from caddy_shopping.main.cli import run

    async def main() -> int | None:
        async with _shared() as process:
            return (await process.shared.cache.stats()).shared

    click.echo(f"{run(main())} values are in Redis.")


@asynccontextmanager
async def _shared() -> AsyncIterator[Process]:
    from caddy_shopping.main.build import build
    from caddy_shopping.platform.settings import Settings, load

    process = build(load(Settings))
    try:
        if process.shared.check is None:
            raise click.ClickException("Nothing is shared: SHOP_REDIS_URL is not set.")
        try:
            await process.shared.check()
        except Exception as fault:
            raise click.ClickException(f"Redis does not answer at SHOP_REDIS_URL: {fault.__cause__ or fault}") from None
        yield process
    finally:
        await process.stop()
