"""What an installation needs before its first request: tables, somebody who may administer it, things to sell."""

from collections.abc import Callable

from caddy_shopping.contexts.users.application.ensure_first_admin import EnsureFirstAdmin
from caddy_shopping.main.process import Process

ADMIN_EMAIL = "admin@shop.example"


async def prepare(process: Process, say: Callable[[str], None], *, demo: bool) -> None:
    """Migrate, make the first admin, load the demo catalogue into an empty shop. Each only where needed."""
    for context in await process.migrate():
        say(f"Migrated {context}.")
    users, products = process.modules["users"], process.modules["products"]
    admin = await users.run(users.use_cases.ensure_first_admin, EnsureFirstAdmin(email=ADMIN_EMAIL))
    if admin is not None:
        email, password = admin
        say(f"Staff sign-in, made for this installation and shown only once:  {email}  {password}")
    if demo:
        loaded = await products.use_cases.seed()
        if loaded:
            say(loaded)
