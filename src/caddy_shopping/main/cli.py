"""`caddy-shopping`: everything an operator does, one command each."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import rich_click as click

from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.platform.module import Module, OpenModule


def installed_version() -> str:
    """The version of the installed package; run from a source tree there is none."""
    try:
        return metadata.version("caddy-shopping-backend")
    except metadata.PackageNotFoundError:
        return "not installed"


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run one command's coroutine on the fast loop."""
    import uvloop

    return uvloop.run(main)


def open_module(name: str) -> OpenModule:
    """A context of this installation, built and migrated when a command needs it, and put away after."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Module]:
        from caddy_shopping.main.build import build
        from caddy_shopping.platform.settings import Settings, load

        process = build(load(Settings))
        try:
            await process.migrate()
            yield process.modules[name]
        finally:
            await process.stop()

    return opened


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version=installed_version(), prog_name="caddy-shopping")
def shop() -> None:
    """A shop backend that sells correctly: in one process, or in many.

    Settings come from the environment (`SHOP_…`), from `.env`, and from secret files; `doctor` shows them.
    """


@shop.command()
@click.option("--host", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on. [default: 3000]")
@click.option("--work/--no-work", default=True, help="Also deliver events and run jobs in this process.")
@click.option("--demo/--no-demo", default=True, help="Load the demo catalogue into an empty shop.")
def serve(host: str | None, port: int | None, work: bool, demo: bool) -> None:
    """Serve the shop over HTTP.

    The first start makes the tables, a staff sign-in and a demo catalogue. Ends on SIGTERM or Ctrl-C.
    """
    from caddy_shopping.main.build import build
    from caddy_shopping.main.prepare import prepare
    from caddy_shopping.main.serve import AddressInUse
    from caddy_shopping.main.serve import serve as serve_process
    from caddy_shopping.platform.settings import Settings, load
    from caddy_shopping.platform.telemetry.logging import configure_logging

    given = {key: value for key, value in {"host": host, "port": port}.items() if value is not None}
    settings = load(Settings, **given)
    configure_logging(settings.log_level, settings.log_format)

    def announce(url: str) -> None:
        click.echo(f"Shop     {url}\nDocs     {url}/api/docs\nHealth   {url}/api/health")

    async def main() -> None:
        await serve_process(
            build(settings),
            prepare=lambda process: prepare(process, click.echo, demo=demo),
            announce=announce,
            work=work,
        )

    try:
        run(main())
    except AddressInUse as taken:
        raise click.ClickException(str(taken)) from None


@shop.command()
def worker() -> None:
    """Deliver events and run jobs, without HTTP. Any number may run beside `serve --no-work`."""
    from caddy_shopping.main.build import build
    from caddy_shopping.main.work import work
    from caddy_shopping.platform.settings import Settings, load
    from caddy_shopping.platform.telemetry.logging import configure_logging

    settings = load(Settings)
    configure_logging(settings.log_level, settings.log_format)

    async def main() -> None:
        await work(build(settings))

    run(main())


@shop.command()
@click.option("--plan", is_flag=True, help="Show the SQL that would run, and run nothing.")
def migrate(plan: bool) -> None:
    """Bring every context's tables up to date."""
    from caddy_shopping.main.build import build
    from caddy_shopping.platform.db import migrate as history
    from caddy_shopping.platform.settings import Settings, load

    async def main() -> None:
        process = build(load(Settings))
        try:
            if plan:
                for schema in await process.pending():
                    database = process.databases.of(schema.context)
                    since = await history.current(database, schema)
                    click.echo(history.plan(database.dialect, schema, since))
                return
            changed = await process.migrate()
            click.echo("\n".join(f"Migrated {name}." for name in changed) or "Everything is up to date.")
        finally:
            await process.stop()

    run(main())


@shop.command()
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File to write. [default: stdout]"
)
def openapi(output: Path | None) -> None:
    """Write the OpenAPI 3.1 document of the HTTP interface."""
    from caddy_shopping.main.document import openapi_document

    document = openapi_document()
    if output is None:
        click.echo(document.decode())
    else:
        output.write_bytes(document)


def main() -> None:
    """The console script. A named error is one red line and exit code 1, never a stack trace."""
    from caddy_shopping.contexts.orders.interface.cli import commands as orders_commands
    from caddy_shopping.contexts.products.interface.cli import commands as products_commands
    from caddy_shopping.contexts.users.interface.cli import commands as users_commands
    from caddy_shopping.main.caching import cache
    from caddy_shopping.main.operations import doctor, events, keys
    from caddy_shopping.main.verify.cli import verify

    groups: list[tuple[str, Callable[[OpenModule], list[click.Command]]]] = [
        ("users", users_commands),
        ("products", products_commands),
        ("orders", orders_commands),
    ]
    for name, commands in groups:
        for command in commands(open_module(name)):
            shop.add_command(command)
    for command in (keys, events, cache, doctor, verify):
        shop.add_command(command)
    try:
        shop()
    except ShopError as refusal:
        click.echo(click.style(f"{refusal.code}: {refusal}", fg="red"), err=True)
        sys.exit(1)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
