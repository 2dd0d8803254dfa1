"""`caddy-shopping`: everything an operator does, one command each."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from functools import cached_property
from pathlib import Path
from typing import Any

import rich_click as click

from caddy_shopping.kernel.errors import ShopError

SELDOM = (20_000, 20, 20)
"""Thresholds of the collector for cycles, which otherwise spends a sixth of a start on looking at what stays anyway."""


class Shop(click.RichGroup):
    """The commands written here, and those of the contexts and the operator, loaded when one of them is meant.

    Loading them all costs a start of `serve` a tenth of its time.
    """

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self._others.get(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._others})

    @cached_property
    def _others(self) -> dict[str, click.Command]:
        from caddy_shopping.main.commands import commands

        return {command.name or "": command for command in commands()}


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run one command's coroutine on the fast loop."""
    import uvloop

    return uvloop.run(main)


@click.group(cls=Shop, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="caddy-shopping-backend", prog_name="caddy-shopping")
def shop() -> None:
    """A shop backend that sells correctly: in one process, or in many.

    Settings come from the environment (`SHOP_…`), from `.env`, and from secret files; `doctor` shows them.
    """
    from caddy_shopping.platform.telemetry.logging import configure_logging

    # What a command prints is its own; what goes wrong beside it is said beside it. `serve` and `worker` log as told.
    configure_logging("WARNING", "console", sys.stderr)


@shop.command()
@click.option("--host", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on. [default: 3000]")
@click.option("--contexts", help="The contexts of this process, by commas. [default: all]")
@click.option("--work/--no-work", default=True, help="Also deliver events and run jobs in this process.")
@click.option("--demo/--no-demo", default=True, help="Load the demo catalogue into an empty shop.")
def serve(host: str | None, port: int | None, contexts: str | None, work: bool, demo: bool) -> None:
    """Serve the shop over HTTP.

    The first start makes the tables, a staff sign-in and a demo catalogue. Ends on SIGTERM or Ctrl-C.
    """
    from caddy_shopping.main.build import build
    from caddy_shopping.main.prepare import prepare
    from caddy_shopping.main.serve import serve as serve_process
    from caddy_shopping.platform.settings import Settings, load
    from caddy_shopping.platform.telemetry.logging import configure_logging

    given = {"host": host, "port": port, "contexts": contexts}
    settings = load(Settings, **{key: value for key, value in given.items() if value is not None})
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

    run(main())


@shop.command()
@click.option("--contexts", help="The contexts of this process, by commas. [default: all]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port for health and metrics. [default: none]")
def worker(contexts: str | None, port: int | None) -> None:
    """Deliver events and run jobs, without serving the shop. Any number may run beside `serve --no-work`.

    With a port it answers `/api/health`, `/api/health/ready` and `/metrics` there.
    """
    from caddy_shopping.main.build import build
    from caddy_shopping.main.work import work
    from caddy_shopping.platform.settings import Settings, load
    from caddy_shopping.platform.telemetry.logging import configure_logging

    given = {"contexts": contexts, "worker_port": port}
    settings = load(Settings, **{key: value for key, value in given.items() if value is not None})
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

    _write(openapi_document(), output)


@shop.command()
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File to write. [default: stdout]"
)
def asyncapi(output: Path | None) -> None:
    """Write the AsyncAPI 3.0 document of the events."""
    from caddy_shopping.main.document import asyncapi_document

    _write(asyncapi_document(), output)


def _write(document: bytes, output: Path | None) -> None:
    if output is None:
        click.echo(document.decode())
    else:
        output.write_bytes(document)


def main() -> None:
    """The console script. A named error is one red line and exit code 1, never a stack trace."""
    gc.set_threshold(*SELDOM)
    from caddy_shopping.platform.settings import SettingsWrong

    try:
        shop()
    except ShopError as refusal:
        click.echo(click.style(f"{refusal.code}: {refusal}", fg="red"), err=True)
        sys.exit(1)
    except SettingsWrong as wrong:
        click.echo(click.style(str(wrong), fg="red"), err=True)
        sys.exit(1)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
