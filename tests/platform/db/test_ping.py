"""A server's connection that was cut while it lay in the pool is noticed before it is used."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from caddy_shopping.platform.db import engine
from caddy_shopping.platform.db.engine import Database, open_database
from tests.support.engines import engine_url

__all__ = ["engine_url"]

WHO = {"postgresql": "SELECT pg_backend_pid()"}
CUT = {"postgresql": "SELECT pg_terminate_backend({})"}


@pytest.fixture
async def cut(engine_url: str) -> AsyncIterator[Database]:
    """With one connection, which another has just ended."""
    if engine_url.startswith("sqlite"):
        pytest.skip("servers only: the connections of SQLite do not break")
    opened, other = open_database(engine_url, pool_size=1), open_database(engine_url, pool_size=1)
    async with opened.writing() as writing:
        who = (await writing.execute(text(WHO.get(opened.dialect, "SELECT CONNECTION_ID()")))).scalar_one()
    async with other.writing() as writing:
        await writing.execute(text(CUT.get(opened.dialect, "KILL CONNECTION {}").format(who)))
    yield opened
    await opened.close()
    await other.close()


async def use(database: Database) -> None:
    async with database.writing() as writing:
        await writing.execute(text("SELECT 1"))


async def test_it_is_replaced(cut: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PAUSE", 0.0)
    await use(cut)


async def test_negative_control_within_the_pause_its_user_finds_out(
    cut: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PAUSE", 3600.0)
    with pytest.raises(DBAPIError):
        await use(cut)
    await use(cut)
