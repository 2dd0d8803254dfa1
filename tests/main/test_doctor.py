"""The doctor says what is wrong and what to do about it."""

import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest

from caddy_shopping.main import doctor
from caddy_shopping.main.build import build
from caddy_shopping.main.doctor import Finding, examine
from caddy_shopping.platform.settings import Settings, load
from tests.support.engine import ENGINE, only_sqlite


class Usage(NamedTuple):
    free: int


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SHOP_DATABASE_URL", ENGINE.url_of(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**40))


async def finding(what: str) -> Finding:
    (found,) = [each for each in await examine() if each.what == what]
    return found


async def migrate() -> None:
    process = build(load(Settings))
    await process.migrate()
    await process.stop()


async def test_a_migrated_installation_is_well() -> None:
    assert not (await finding("Database")).good
    assert "caddy-shopping migrate" in (await finding("Database")).words
    await migrate()
    assert [each.what for each in await examine() if not each.good] == []


async def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**20))
    assert not (await finding("Disk")).good


@only_sqlite("a folder lies where its file should be")
async def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "shop.db").mkdir()
    found = await finding("Database")
    assert not found.good
    assert "SHOP_DATABASE_URL" in found.words


async def test_production_wants_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_ENVIRONMENT", "production")
    assert "SHOP_PUBLIC_URL" in (await finding("Public address")).words
    monkeypatch.setenv("SHOP_PUBLIC_URL", "https://shop.example")
    assert (await finding("Public address")).good


async def test_a_short_secret_for_hs256(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN_ALGORITHM", "HS256")
    monkeypatch.setenv("SHOP_TOKEN_SECRET", "short")
    found = [each for each in doctor._configuration(load(Settings)) if each.what == "Token secret"]
    assert [each.good for each in found] == [False]


async def test_a_sqlite_without_trigrams(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        def __enter__(self) -> "Old":
            return self

        def __exit__(self, *_: object) -> None: ...

        def execute(self, sql: str) -> None:
            raise sqlite3.OperationalError("no such tokenizer: trigram")

        def close(self) -> None: ...

    monkeypatch.setattr(sqlite3, "connect", lambda path: Old())
    assert not doctor._sqlite().good
