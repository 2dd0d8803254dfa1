"""`verify` works beside the given database, cleans up after itself, and says what to do where it cannot work."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from caddy_shopping.main.verify.cli import verify
from caddy_shopping.main.verify.ledger.books import read
from caddy_shopping.main.verify.scratch import PREFIX, NotPossible, scratch
from tests.support.engines import SERVERS
from tests.support.servers import ENGINES, available

GRANTS = {
    "PostgreSQL": (["CREATE ROLE poor LOGIN"], "ALTER ROLE poor CREATEDB;"),
    "MariaDB": (
        ["CREATE USER poor@'%'", "GRANT ALL ON shop.* TO poor@'%'"],
        r"GRANT ALL PRIVILEGES ON `shop\_verify\_%`.* TO 'poor'",
    ),
    "TiDB": (
        ["CREATE USER poor@'%'", "GRANT ALL ON shop.* TO poor@'%'"],
        r"GRANT ALL PRIVILEGES ON `shop\_verify\_%`.* TO 'poor'",
    ),
}
"""Somebody who may not make databases, and what `verify` says is to be granted."""
KNOWN = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = :name"
KNOWN_TO_POSTGRESQL = "SELECT COUNT(*) FROM pg_database WHERE datname = :name"


@pytest.mark.parametrize("engine", SERVERS)
async def test_a_server_gets_a_scratch_and_loses_it_again(engine: str) -> None:
    if reason := available()[engine]:
        pytest.skip(reason)
    statements, grant = GRANTS[engine]
    with ENGINES[engine]() as server:
        url = server.new_database("shop")

        async def exists(name: str) -> bool:
            question = KNOWN_TO_POSTGRESQL if engine == "PostgreSQL" else KNOWN
            return bool(await read(url, lambda books: books.ask(question, name=name).scalar_one()))

        names = list[str]()
        with pytest.raises(ZeroDivisionError):
            await broken_off(url, names, exists)
        assert names[0].startswith(PREFIX)
        assert not await exists(names[0])

        for statement in statements:
            server.execute(statement)
        poor = make_url(url).set(username="poor").render_as_string(hide_password=False)
        with pytest.raises(NotPossible) as refused:
            async with scratch(poor):
                raise AssertionError("it may not")
        assert grant in str(refused.value)


async def broken_off(url: str, names: list[str], exists: Callable[[str], Awaitable[bool]]) -> None:
    async with scratch(url) as made:
        names.append(make_url(made.url).database or "")
        assert await exists(names[0])
        raise ZeroDivisionError


async def test_sqlite_gets_a_folder_on_the_same_disk(tmp_path: Path) -> None:
    async with scratch(f"sqlite:///{tmp_path}/var/shop.db") as made:
        assert made.folder.parent == tmp_path / "var"
        assert made.folder.is_dir()
    assert list((tmp_path / "var").iterdir()) == []


async def test_settings_of_the_installation_stay_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_NOTIFICATIONS_SMTP_HOST", "mail.example")
    monkeypatch.setenv("SHOP_ORDERS_DATABASE_URL", "sqlite:///real.db")
    async with scratch(f"sqlite:///{tmp_path}/shop.db") as made:
        assert made.environment["SHOP_NOTIFICATIONS_SMTP_HOST"] == ""
        assert "SHOP_ORDERS_DATABASE_URL" not in made.environment
        assert made.environment["SHOP_DATABASE_URL"] == made.url


def test_a_server_that_is_not_there_is_one_line() -> None:
    done = CliRunner().invoke(verify, ["crash", "--url", "postgresql+asyncpg://shop:secret@127.0.0.1:1/shop"])
    assert done.exit_code == 1
    assert "cannot be used" in done.output
    assert "secret" not in done.output


def test_more_pieces_than_buyers_make_no_sense() -> None:
    done = CliRunner().invoke(verify, ["oversell", "--buyers", "5", "--stock", "6"])
    assert done.exit_code == 2
    assert "each wants one" in " ".join(done.output.split())


@pytest.mark.parametrize("command", ["oversell", "crash"])
def test_help_shows_how(command: str) -> None:
    done = CliRunner().invoke(verify, [command, "--help"])
    assert done.exit_code == 0
    assert f"caddy-shopping verify {command} --url postgresql+asyncpg://" in done.output
