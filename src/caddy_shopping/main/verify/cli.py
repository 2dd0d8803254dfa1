"""`caddy-shopping verify`: an operator's proof, on a scratch database beside their own."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import rich_click as click

from caddy_shopping.main.verify.report import Line
from caddy_shopping.main.verify.scratch import NotPossible, Scratch

Proof = Callable[[Scratch, Callable[[str], None]], Awaitable[list[Line]]]
_url = click.option("--url", help="Database to work beside. [default: SHOP_DATABASE_URL, or SQLite in the data folder]")
_seed = click.option("--seed", default=1, show_default=True, help="Of the dice; another seed is another story.")


@click.group()
def verify() -> None:
    """Prove on this machine and its database that the shop keeps its promises.

    Everything happens in a scratch database beside the shop's own, which is not touched, and dropped at the end. The
    exit code is 1 where anything does not hold.
    """


@verify.command()
@click.option("--buyers", type=click.IntRange(1), default=500, show_default=True, help="Who buy at once.")
@click.option("--stock", type=click.IntRange(1), default=50, show_default=True, help="Pieces there are.")
@click.option("--processes", type=click.IntRange(1, 64), default=4, show_default=True, help="The buyers come through.")
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="Races, each with the next seed.")
@_seed
@_url
def oversell(buyers: int, stock: int, processes: int, rounds: int, seed: int, url: str | None) -> None:
    """Sell few pieces to many buyers at once, and count.

    \b
    caddy-shopping verify oversell
    caddy-shopping verify oversell --buyers 2000 --stock 7 --rounds 20
    caddy-shopping verify oversell --url postgresql+asyncpg://shop@db.example/shop
    """
    from caddy_shopping.main.verify.oversell import Race
    from caddy_shopping.main.verify.oversell import oversell as run_race

    if buyers < stock:
        raise click.UsageError(f"{buyers} buyers cannot buy {stock} pieces: each wants one.")
    race = Race(buyers, stock, processes, seed, rounds)

    async def proof(scratch: Scratch, say: Callable[[str], None]) -> list[Line]:
        return (await run_race(scratch, race, say))[1]

    prove("Oversell", url, proof)


@verify.command()
@click.option("--cycles", type=click.IntRange(1), default=20, show_default=True, help="Kills, at random moments.")
@click.option("--customers", type=click.IntRange(1), default=8, show_default=True, help="Who shop meanwhile.")
@_seed
@_url
def crash(cycles: int, customers: int, seed: int, url: str | None) -> None:
    """Kill a shop under load again and again, then reconcile its books.

    Only the shop's own process is killed, never the database.

    \b
    caddy-shopping verify crash
    caddy-shopping verify crash --cycles 100 --seed 7
    caddy-shopping verify crash --url postgresql+asyncpg://shop@db.example/shop
    """
    from caddy_shopping.main.verify.crash import Trouble
    from caddy_shopping.main.verify.crash import crash as run_trouble

    async def proof(scratch: Scratch, say: Callable[[str], None]) -> list[Line]:
        return (await run_trouble(scratch, Trouble(cycles, customers, seed), say)).lines

    prove("Crash", url, proof)


def prove(title: str, url: str | None, proof: Proof) -> None:
    """Make a scratch, run the proof on it, show what it found; exit 1 where anything does not hold."""
    from rich.console import Console

    from caddy_shopping.main.verify.report import show
    from caddy_shopping.main.verify.scratch import scratch
    from caddy_shopping.platform.settings import Settings, load

    where = url or load(Settings).database

    async def main() -> Any:
        async with scratch(where) as made:
            say(f"Working in {made.shown}, which is dropped at the end.")
            return await proof(made, say)

    def say(words: str) -> None:
        click.echo(words, err=True)

    from caddy_shopping.main.cli import run

    try:
        lines = run(main())
    except NotPossible as fault:
        raise click.ClickException(str(fault)) from None
    if not show(title, lines, Console()):
        sys.exit(1)
