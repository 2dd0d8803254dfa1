"""Load running, then `kill -9` of the application, of the database server, of both, at random moments: nothing is lost.

`SHOP_TEST_CRASHES` says how many kills each server sees.
"""

import asyncio
import os
import random
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from caddy_shopping.main.verify import cli
from caddy_shopping.main.verify.child import Child
from caddy_shopping.main.verify.crash import Story, Strike, Trouble, crash, promises
from caddy_shopping.main.verify.report import Line
from caddy_shopping.main.verify.scratch import Scratch, scratch
from caddy_shopping.main.verify.settle import settled
from caddy_shopping.platform.db.engine import open_database
from tests.support.engines import SERVERS, engine_url
from tests.support.server import Server
from tests.support.servers import ENGINES, available

__all__ = ["engine_url"]

CYCLES = int(os.environ.get("SHOP_TEST_CRASHES", "3"))
TARGETS = ("the application", "the database server", "both")


@pytest.fixture(params=[name for name in SERVERS if name != "TiDB"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server as in production. (The store that TiDB embeds for tests promises nothing after a kill.)"""
    if reason := available()[request.param]:
        pytest.skip(reason)
    with ENGINES[request.param](durable=True) as running:
        yield running


def anything(server: Server) -> Strike:
    """Kill the application, the server, or both; the application that was left alone has to recover by itself."""
    targets = list[str]()

    async def strike(child: Child, dice: random.Random) -> str:
        if not targets:
            targets.extend(dice.sample(TARGETS, len(TARGETS)))
        target = targets.pop()
        blows: list[Callable[[], None]] = [] if target == TARGETS[0] else [server.kill]
        blows += [] if target == TARGETS[1] else [child.kill]
        dice.shuffle(blows)
        for blow in blows:
            await asyncio.to_thread(blow)
        if server.kill in blows:
            await asyncio.sleep(dice.uniform(0, 0.5))
            await asyncio.to_thread(server.restart)
        await (child.start() if child.kill in blows else child.ready())
        return target

    return strike


async def test_whatever_is_killed_nothing_is_lost(server: Server) -> None:
    async with scratch(server.new_database("shop")) as made:
        story = await crash(made, Trouble(CYCLES, seed=3), lambda words: None, anything(server))
    assert [line for line in story.lines if not line.good] == []
    assert len(story.lines) == 13
    assert story.kills.total() == CYCLES
    assert set(story.kills) == set(TARGETS)
    assert len(story.told.ordered) > CYCLES
    assert story.told.paid


DAMAGE = {
    "acknowledged orders are all there": "UPDATE orders SET email = 'nobody@shop.example' WHERE email = :email",
    "plenty-1: stock + sold + reserved = initial": "UPDATE product_variants SET stock = 1 WHERE sku = 'plenty-1'",
    "captured = orders + refunded": "UPDATE payments SET captured_amount = captured_amount + 1",
    "events = orders, each with its effect once": "DELETE FROM orders_outbox WHERE type = 'OrderPlaced'",
}
"""What does not hold any more, and the statement that broke it."""


async def test_negative_control_a_breach_is_named(engine_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And the command exits with 1. On SQLite and TiDB too, where only the application is killed."""
    before, after = dict[str, Line](), dict[str, Line]()

    async def proof(made: Scratch, say: Callable[[str], None]) -> list[Line]:
        story = await crash(made, Trouble(1), say)
        before.update({line.what: line for line in story.lines})
        await damage(made.url, story)
        lines = await settled(made.url, {"plenty-1": 1_000_000}, lambda books: promises(books, story), 0)
        after.update({line.what: line for line in lines})
        return lines

    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(cli.prove, "Crash", engine_url, proof)
    assert ended.value.code == 1
    assert "was acknowledged and is not there" in " ".join(capsys.readouterr().out.split())
    assert [line for line in before.values() if not line.good] == []
    broken = {line.what for line in after.values() if not line.good}
    assert broken == {*DAMAGE, "orders of unknown fate are whole or absent", "the books of all contexts agree"}


async def damage(url: str, story: Story) -> None:
    database = open_database(url)
    async with database.writer.begin() as connection:
        for statement in DAMAGE.values():
            values = {"email": next(iter(story.told.ordered))} if ":email" in statement else {}
            assert (await connection.execute(text(statement), values)).rowcount > 0
    await database.close()
