"""Every command but the first few: those of the contexts, and the operator's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import rich_click as click

from caddy_shopping.contexts.orders.interface.cli import commands as orders_commands
from caddy_shopping.contexts.products.interface.cli import commands as products_commands
from caddy_shopping.contexts.users.interface.cli import commands as users_commands
from caddy_shopping.main.caching import cache
from caddy_shopping.main.operations import doctor, events, keys
from caddy_shopping.main.verify.cli import verify
from caddy_shopping.platform.module import Module, OpenModule


def commands() -> list[click.Command]:
    """All of them, ready to be added."""
    return [
        *users_commands(open_module("users")),
        *products_commands(open_module("products")),
        *orders_commands(open_module("orders")),
        *(keys, events, cache, doctor, verify),
    ]


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
