"""Five hundred buyers in four processes for fifty pieces, on every engine: exactly fifty are sold.

`SHOP_TEST_SEEDS` says how many such races each engine runs.
"""

import asyncio
import os
from collections.abc import Callable

import pytest
from sqlalchemy import text

from caddy_shopping.main.verify import cli
from caddy_shopping.main.verify.members import as_it_is
from caddy_shopping.main.verify.oversell import Race, Tally, oversell
from caddy_shopping.main.verify.report import Line
from caddy_shopping.main.verify.scratch import Scratch, scratch
from caddy_shopping.platform.db.engine import open_database
from tests.properties.races import held_one_by_one, unsorted, without_the_condition
from tests.support.engines import engine_url

__all__ = ["engine_url"]

SEEDS = int(os.environ.get("SHOP_TEST_SEEDS", "1"))


async def run(url: str, race: Race, prepare: Callable[[], None] = as_it_is) -> tuple[Tally, dict[str, Line]]:
    async with scratch(url) as made:
        tally, lines = await oversell(made, race, lambda words: None, prepare)
        return tally, {line.what: line for line in lines}


async def test_exactly_fifty_are_sold(engine_url: str) -> None:
    tally, lines = await run(engine_url, Race(rounds=SEEDS, patience=180))
    assert [line for line in lines.values() if not line.good] == []
    assert len(lines) == 9
    assert len(tally.orders) == 50 * SEEDS
    assert tally.turned_away == {"OUT_OF_STOCK": 450 * SEEDS}


async def test_negative_control_without_the_condition(engine_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what is wrong, and exits with 1."""
    found = dict[str, str]()

    async def proof(made: Scratch, say: Callable[[str], None]) -> list[Line]:
        _, lines = await oversell(made, Race(30, 5, 2, patience=2), say, without_the_condition)
        found.update({line.what: line.words for line in lines})
        return lines

    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(cli.prove, "Oversell", engine_url, proof)
    assert ended.value.code == 1
    assert "30 of 5 pieces were sold" in capsys.readouterr().out
    assert found["every piece is sold once"] == "seed 1: 30 of 5 pieces were sold"
    assert found["scarce: stock + sold + reserved = initial"] == "-25 + 0 + 30 ≠ 5"
    assert "variant scarce: below zero" in found["the books of all contexts agree"]


async def test_the_shelf_is_held_in_one_order_and_nobody_waits_in_a_circle(engine_url: str) -> None:
    tally, lines = await run(engine_url, Race(40, 40, 2), unsorted)
    assert [line for line in lines.values() if not line.good] == []
    assert tally.retries["reserve_stock"] == 0


async def test_negative_control_without_the_order_they_do(engine_url: str) -> None:
    """It still comes out right: deadlocks are run again. (SQLite has one writer at a time, and no deadlocks.)"""
    await look_soon(engine_url)
    tally, lines = await run(engine_url, Race(10, 10, 2), held_one_by_one)
    assert [line for line in lines.values() if not line.good] == []
    assert (tally.retries["reserve_stock"] > 0) != engine_url.startswith("sqlite")


async def look_soon(url: str) -> None:
    """PostgreSQL looks for a circle only after a second, each time, which would make this test a long one."""
    if url.startswith("postgresql"):
        database = open_database(url)
        async with database.writer.begin() as connection:
            await connection.execute(text("ALTER ROLE shop SET deadlock_timeout = '50ms'"))
        await database.close()
