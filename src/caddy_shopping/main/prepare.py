"""What an installation needs before its first request: tables, somebody who may administer it, things to sell."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from caddy_shopping.contexts.users.application.ensure_first_admin import EnsureFirstAdmin
from caddy_shopping.main.process import Process
from caddy_shopping.platform.module import Module

ADMIN_EMAIL = "admin@shop.example"


async def prepare(process: Process, say: Callable[[str], None], *, demo: bool) -> None:
    """Migrate, make the first admin, load the demo catalogue into an empty shop. Each only where needed."""
    for context in await process.migrate():
        say(f"Migrated {context}.")
    if "users" in process.modules:
        await _unbroken(_ensure_admin(process.modules["users"], say))
    if demo and "products" in process.modules:
        loaded = await process.modules["products"].use_cases.seed()
        if loaded:
            say(loaded)


async def _ensure_admin(users: Module, say: Callable[[str], None]) -> None:
    admin = await users.run(users.use_cases.ensure_first_admin, EnsureFirstAdmin(email=ADMIN_EMAIL))
    if admin is not None:
        email, password = admin
        say(f"Staff sign-in, made for this installation and shown only once:  {email}  {password}")


async def _unbroken(step: Coroutine[Any, Any, None]) -> None:
    """Finish `step` even when cancelled meanwhile: a password that was kept but not shown would be lost."""
    task = asyncio.ensure_future(step)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
