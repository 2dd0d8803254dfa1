"""`caddy-shopping users …`: accounts, from the machine itself."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import rich_click as click
from rich.console import Console
from rich.table import Table

from caddy_shopping.contexts.users.application.create_staff import CreateStaff
from caddy_shopping.contexts.users.application.disable_user import DisableUser, EnableUser
from caddy_shopping.contexts.users.application.ensure_first_admin import new_password
from caddy_shopping.contexts.users.application.queries import AccountFilter
from caddy_shopping.contexts.users.application.set_password import SetPassword
from caddy_shopping.contexts.users.application.use_cases import UseCases
from caddy_shopping.contexts.users.application.views import AccountView
from caddy_shopping.kernel.actor import SYSTEM, Role
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.kernel.paging import MAX_LIMIT, PageRequest, Slice
from caddy_shopping.platform.module import OpenModule

R = TypeVar("R")
_FROM_STDIN = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
_ROLES = click.Choice([role.value for role in (Role.GUEST, Role.CUSTOMER, Role.STAFF, Role.ADMIN)])


def commands(open_module: OpenModule) -> list[click.Command]:
    """The group `users`."""

    @click.group("users", help="Make, list, open and close accounts.")
    def users() -> None:
        pass

    @users.command("create-admin", help="Make an account that may do everything.")
    @click.argument("email")
    @click.option("--name", default="Admin", show_default=True)
    @_FROM_STDIN
    def create_admin(email: str, name: str, password_stdin: bool) -> None:
        password = _password(password_stdin)
        command = CreateStaff(actor=SYSTEM, email=email, name=name, role=Role.ADMIN, password=password)

        async def create() -> AccountView:
            async with open_module() as module:
                cases: UseCases = module.use_cases
                return await module.run(cases.create_staff, command)

        account = _answer(create())
        click.echo(f"{account.email} is an administrator now.")
        _tell(password, password_stdin)

    @users.command("set-password", help="Set the password of an account and end its sessions.")
    @click.argument("email")
    @_FROM_STDIN
    def set_password(email: str, password_stdin: bool) -> None:
        password = _password(password_stdin)

        async def change() -> None:
            async with open_module() as module:
                cases: UseCases = module.use_cases
                account = await cases.queries.account_by_email(email)
                await module.run(cases.set_password, SetPassword(actor=SYSTEM, user_id=account.id, password=password))

        _answer(change())
        click.echo(f"The password of {email} is changed.")
        _tell(password, password_stdin)

    @users.command("disable", help="Close an account and end its sessions.")
    @click.argument("email")
    def disable(email: str) -> None:
        async def close() -> None:
            async with open_module() as module:
                cases: UseCases = module.use_cases
                account = await cases.queries.account_by_email(email)
                await module.run(cases.disable_user, DisableUser(actor=SYSTEM, user_id=account.id))

        _answer(close())
        click.echo(f"{email} is closed.")

    @users.command("enable", help="Open a closed account again.")
    @click.argument("email")
    def enable(email: str) -> None:
        async def reopen() -> None:
            async with open_module() as module:
                cases: UseCases = module.use_cases
                account = await cases.queries.account_by_email(email)
                await module.run(cases.enable_user, EnableUser(actor=SYSTEM, user_id=account.id))

        _answer(reopen())
        click.echo(f"{email} is open.")

    @users.command("list", help="List accounts, newest first.")
    @click.option("--role", type=_ROLES, help="Only accounts of this role.")
    @click.option("--search", help="Part of a name, or the beginning of an e-mail address.")
    @click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=20, show_default=True)
    def list_accounts(role: str | None, search: str | None, limit: int) -> None:
        wanted = AccountFilter(role=Role(role) if role else None, search=search)

        async def find() -> Slice[AccountView]:
            async with open_module() as module:
                cases: UseCases = module.use_cases
                return await cases.queries.accounts(wanted, PageRequest(limit))

        found = _answer(find())
        Console().print(_table(found.items))
        if found.next_cursor:
            click.echo(f"There are more than {limit}: narrow down with --role or --search.")

    return [users]


def _answer(work: Coroutine[Any, Any, R]) -> R:
    """Run `work`; a refusal becomes one line and exit code 1."""
    try:
        return asyncio.run(work)
    except ShopError as refusal:
        raise click.ClickException(refusal.message("en")) from refusal


def _password(from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else new_password()


def _tell(password: str, from_stdin: bool) -> None:
    if not from_stdin:
        click.echo(f"Password (shown only now): {password}")


def _table(accounts: list[AccountView]) -> Table:
    table = Table("E-mail", "Name", "Role", "Permissions", "State", "Since")
    for each in accounts:
        state = "closed" if each.disabled else "open"
        table.add_row(
            each.email or "–",
            each.name or "–",
            each.role,
            " ".join(each.permissions),
            state,
            f"{each.created_at:%Y-%m-%d}",
        )
    return table
