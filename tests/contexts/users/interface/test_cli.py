"""`caddy-shopping users …`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from click.testing import CliRunner, Result

from caddy_shopping.contexts.users import module
from caddy_shopping.contexts.users.application.queries import AccountFilter
from caddy_shopping.contexts.users.application.sign_in import SignIn
from caddy_shopping.contexts.users.application.use_cases import UseCases
from caddy_shopping.contexts.users.application.views import AccountView, SignedIn
from caddy_shopping.contexts.users.infrastructure import tables
from caddy_shopping.contexts.users.interface.cli import commands
from caddy_shopping.contexts.users.settings import UsersSettings
from caddy_shopping.kernel.actor import ANONYMOUS
from caddy_shopping.kernel.clock import SystemClock
from caddy_shopping.kernel.paging import PageRequest
from caddy_shopping.platform.db.engine import open_database
from caddy_shopping.platform.module import Module, OpenModule
from tests.contexts.users.world import HERE, FakeHasher, FakeTokens
from tests.support.database import filed, make_kit


@pytest.fixture
async def open_module() -> AsyncIterator[OpenModule]:
    @asynccontextmanager
    async def open_users() -> AsyncIterator[Module]:
        database = open_database(url)
        kit = make_kit("users", database, tables.platform_tables, SystemClock(), [])
        try:
            yield module.build(kit, UsersSettings(), FakeHasher(), FakeTokens(), b"s" * 32)
        finally:
            await database.close()

    async with filed(tables.metadata) as url:
        yield open_users


def call(open_module: OpenModule, *arguments: str, given: str | None = None) -> Result:
    [group] = commands(open_module)
    return CliRunner().invoke(group, list(arguments), input=given, env={"COLUMNS": "200"})


def accounts(open_module: OpenModule) -> list[AccountView]:
    async def find() -> list[AccountView]:
        async with open_module() as users:
            cases: UseCases = users.use_cases
            return (await cases.queries.accounts(AccountFilter(), PageRequest())).items

    return asyncio.run(find())


def sign_in(open_module: OpenModule, email: str, password: str) -> SignedIn:
    async def run() -> SignedIn:
        async with open_module() as users:
            command = SignIn(actor=ANONYMOUS, email=email, password=password, address=HERE)
            answer: SignedIn = await users.run(users.use_cases.sign_in, command)
            return answer

    return asyncio.run(run())


def told(result: Result) -> str:
    """The password that was printed."""
    assert result.exit_code == 0, result.output
    return result.output.strip().rpartition(" ")[2]


def test_an_admin_is_made_with_a_password_that_works(open_module: OpenModule) -> None:
    password = told(call(open_module, "create-admin", "boss@example.com"))
    assert sign_in(open_module, "boss@example.com", password).user.role == "admin"
    assert told(call(open_module, "create-admin", "other@example.com")) != password


def test_a_given_password_is_not_printed(open_module: OpenModule) -> None:
    result = call(open_module, "create-admin", "boss@example.com", "--password-stdin", given="correct horse battery\n")
    assert result.exit_code == 0
    assert "correct horse" not in result.output
    assert sign_in(open_module, "boss@example.com", "correct horse battery")


def test_a_refusal_is_one_line_and_exit_code_1(open_module: OpenModule) -> None:
    for email, given, words in (
        ("no address", None, "is not an e-mail address"),
        ("boss@example.com", "short\n", "10 to 128 characters"),
    ):
        result = call(open_module, "create-admin", email, *(["--password-stdin"] if given else []), given=given)
        assert result.exit_code == 1
        assert words in result.output
        assert "Traceback" not in result.output
    assert accounts(open_module) == []


def test_a_password_is_set(open_module: OpenModule) -> None:
    call(open_module, "create-admin", "boss@example.com")
    password = told(call(open_module, "set-password", "BOSS@example.com"))
    assert sign_in(open_module, "boss@example.com", password)
    result = call(open_module, "set-password", "nobody@example.com")
    assert result.exit_code == 1
    assert "no such user" in result.output


def test_accounts_are_closed_and_opened(open_module: OpenModule) -> None:
    call(open_module, "create-admin", "boss@example.com")
    refused = call(open_module, "disable", "boss@example.com")
    assert refused.exit_code == 1
    assert "last active administrator" in refused.output
    call(open_module, "create-admin", "other@example.com")
    assert call(open_module, "disable", "other@example.com").exit_code == 0
    assert [account.disabled for account in accounts(open_module)] == [True, False]
    assert call(open_module, "enable", "other@example.com").exit_code == 0
    assert [account.disabled for account in accounts(open_module)] == [False, False]


def test_accounts_are_listed(open_module: OpenModule) -> None:
    for name in ("one", "two", "three"):
        call(open_module, "create-admin", f"{name}@example.com", "--name", f"Number {name}")
    everything = call(open_module, "list").output
    assert all(f"{name}@example.com" in everything for name in ("one", "two", "three"))
    assert "more than" not in everything
    some = call(open_module, "list", "--limit", "1", "--role", "admin").output
    assert "three@example.com" in some
    assert "one@example.com" not in some
    assert "more than 1" in some
    assert "two@example.com" in call(open_module, "list", "--search", "number two").output
    assert "@" not in call(open_module, "list", "--role", "customer").output
