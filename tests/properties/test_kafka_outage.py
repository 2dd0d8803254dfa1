"""Two API processes and two workers on PostgreSQL, Redis and Kafka: both go and come back, workers are killed.

Afterwards the books add up: no event lost, each effect and each mail once, in order; and showing every consumer every
event twice more changes nothing. `SHOP_TEST_OUTAGE_SECONDS` says how long the broker is away.
"""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import MetaData, Table, select

from caddy_shopping.main.build import SCHEMAS
from caddy_shopping.platform.db.engine import open_database
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.events.kafka.cluster import Cluster
from caddy_shopping.platform.events.kafka.history import history
from tests.properties.conftest import IMPATIENT, NewCaller
from tests.support import redis_server
from tests.support.brokers import Broker, Kafka, missing
from tests.support.buyers import Patience, an_email, fill_cart, new_variant, order_of
from tests.support.engine import only_sqlite
from tests.support.kafka_of_this_run import environment
from tests.support.ledger import reconcile
from tests.support.redis_server import RedisServer
from tests.support.servers import PostgreSQL, available
from tests.support.shop import Caller, Shop, callers, eventually

VARIABLE = "SHOP_TEST_OUTAGE_SECONDS"
pytestmark = [
    # It brings its own database; a run for another engine would ask the same again.
    only_sqlite("the same in each engine's run"),
    pytest.mark.skipif(VARIABLE not in os.environ, reason=f"An outage of Kafka, which takes minutes: {VARIABLE}=60"),
]
BUYERS = 4
OUTAGE = float(os.environ.get(VARIABLE, "60"))


class Worker:
    """`caddy-shopping worker` beside a shop, which is killed rather than stopped."""

    def __init__(self, shop: Shop, number: int) -> None:
        self._shop = shop
        self._log = shop.data_dir / f"worker{number}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "caddy_shopping", "worker"]
            self._process = subprocess.Popen(command, env=self._shop.environment, stdout=log, stderr=log)

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@dataclass
class World:
    """What runs."""

    broker: Broker
    redis: RedisServer
    url: str
    shops: list[Shop]
    workers: list[Worker]
    ordered: list[str] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.broker.url, prefix=self.shops[0].environment["SHOP_KAFKA_PREFIX"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    for reason in (available()["PostgreSQL"], missing("Kafka"), redis_server.missing()):
        if reason:
            pytest.skip(reason)
    folder = tmp_path_factory.mktemp("kafka")
    with ExitStack() as stack:
        server, broker = stack.enter_context(PostgreSQL(durable=True)), stack.enter_context(Kafka())
        redis = stack.enter_context(RedisServer())
        url = server.new_database("shop")
        places = {"SHOP_DATABASE_URL": url, "SHOP_REDIS_URL": redis.url, "SHOP_DATA_DIR": str(folder)}
        settings = {**IMPATIENT, **places, **environment(broker, folder)}
        shops = [Shop(folder / f"api{number}", settings) for number in range(2)]
        made = World(broker, redis, url, shops, [Worker(shops[0], number) for number in range(2)])
        for ended in (*(shop.kill for shop in shops), *(worker.kill for worker in made.workers)):
            stack.callback(ended)
        for shop in shops:
            shop.start("--no-demo", "--no-work")
        for worker in made.workers:
            worker.start()
        asyncio.run(trouble(made))
        yield made


async def trouble(world: World) -> None:
    admin_of = world.shops[0].admin
    assert admin_of is not None
    closing = asyncio.Event()
    async with callers(world.shops[0]) as new, callers(world.shops[1]) as new_there:
        admin = await new().sign_in(*admin_of)
        variants = [await new_variant(admin, f"kafka-{n}", 100_000) for n in range(3)]
        doors = (new, new_there)
        crowd = [asyncio.create_task(shopper(world, doors[n % 2], variants[n % 3], closing)) for n in range(BUYERS)]
        await more_orders(world, 4)
        await asyncio.to_thread(world.broker.kill)
        await more_orders(world, 4)
        await eventually(lambda: readiness(new(), "degraded"))
        await asyncio.sleep(OUTAGE)
        await asyncio.to_thread(world.broker.restart)
        world.redis.execute("FLUSHALL")
        await more_orders(world, 4)
        await asyncio.to_thread(world.redis.kill)
        await more_orders(world, 8)
        await asyncio.to_thread(world.redis.restart)
        for worker in world.workers:
            await more_orders(world, 4)
            worker.kill()
            await more_orders(world, 4)
            worker.start()
        await more_orders(world, 4)
        closing.set()
        await asyncio.gather(*crowd)
        await eventually(lambda: readiness(new(), "ready"))
        await eventually(lambda: settled(world), timeout=180)


async def shopper(world: World, new: NewCaller, variant: str, closing: asyncio.Event) -> None:
    """Buys and pays until the shop closes, through its own of the two doors."""
    patience, buyer = Patience(), await new().sign_in_as_guest()
    while not closing.is_set():
        await fill_cart(buyer, variant, patience=patience)
        order = await keyed(buyer, "/orders", order_of(an_email()), patience)
        paid = await keyed(buyer, "/payments", {"orderId": order["id"], "method": "sandbox_ok"}, patience)
        assert paid["orderId"] == order["id"]
        world.ordered.append(order["id"])


async def keyed(buyer: Caller, path: str, body: Any, patience: Patience) -> Any:
    key = an_email()
    answer = await patience.answer(lambda: buyer.post(path, body, key=key))
    assert answer.status == 201, answer
    return answer.data


async def more_orders(world: World, number: int) -> None:
    enough = len(world.ordered) + number
    async with asyncio.timeout(60):
        while len(world.ordered) < enough:
            await asyncio.sleep(0.02)


async def readiness(caller: Caller, status: str) -> bool:
    answer = await caller.ask("GET", "api/health/ready")
    assert (answer.status, answer.json["status"]) == (200, status), answer
    return True


async def settled(world: World) -> bool:
    breaches = reconcile(world.shops[0].data_dir, world.url)
    assert breaches == [], breaches[:20]
    return True


async def test_the_first_copies_of_all_events_are_in_order(world: World) -> None:
    """Of each aggregate, as it was committed; later copies are what inboxes are for."""
    topics = set[str]()
    for schema in SCHEMAS:
        # Mails are still going out, and each is an event. What came in a wrong order stays so however often one looks.
        (brought,) = await eventually(lambda context=schema.context: all_brought(world, context), timeout=180)
        topics |= {schema.context} if brought else set()
    assert topics >= {"orders", "payments", "notifications"}


async def all_brought(world: World, context: str) -> tuple[int]:
    """How many aggregates have events on a context's topic: all that were written, in their order."""
    (schema,) = [each for each in SCHEMAS if each.context == context]
    written = await keys_in_order(world.url, PlatformTables.found(schema.metadata, context).outbox)
    brought: dict[UUID, dict[UUID, None]] = defaultdict(dict)
    async for event in history(world.cluster, context, None):
        brought[event.key].setdefault(event.event_id)
    assert {key: list(events) for key, events in brought.items()} == written
    return (len(written),)


async def keys_in_order(url: str, outbox: Table) -> dict[UUID, list[UUID]]:
    database = open_database(url)
    found: dict[UUID, list[UUID]] = defaultdict(list)
    async with database.read() as connection:
        rows = await connection.execute(select(outbox.c.event_key, outbox.c.event_id).order_by(outbox.c.seq))
        for key, event_id in rows:
            found[key].append(event_id)
    await database.close()
    return dict(found)


async def test_every_order_was_paid_and_nobody_heard_of_it_twice(world: World) -> None:
    assert len(world.ordered) >= 20
    await eventually(lambda: settled(world), timeout=30)


async def test_showing_every_event_twice_more_changes_nothing(world: World) -> None:
    """All processes are stopped in an orderly way first: what they do by the clock would change rows too."""
    for shop in world.shops:
        assert await asyncio.to_thread(shop.stop) == 0
    for worker in world.workers:
        assert await asyncio.to_thread(worker.stop) == 0
    before = await state(world.url)
    for _ in range(2):
        code, output = await asyncio.to_thread(world.shops[0].run, "events", "replay", "--from", "beginning")
        assert code == 0, output
        assert int(output.split()[0].replace(",", "")) > len(world.ordered), output
    assert await state(world.url) == before
    # Negative control: the hash sees what changed, and an inbox that forgot lets effects come twice.
    await forget(world.url)
    await asyncio.to_thread(world.shops[0].run, "events", "replay", "--from", "beginning", "--topic", "orders")
    assert await state(world.url) != before


async def forget(url: str) -> None:
    database = open_database(url)
    async with database.writer.begin() as connection:
        for schema in SCHEMAS:
            await connection.execute(PlatformTables.found(schema.metadata, schema.context).inbox.delete())
    await database.close()


async def state(url: str) -> dict[str, str]:
    """A hash for each table that is the shop's own: every row, in whatever order."""
    database, found = open_database(url), dict[str, str]()
    async with database.read() as connection:
        for schema in SCHEMAS:
            for table in own_tables(schema.metadata, schema.context):
                rows = sorted(repr(tuple(row)) for row in await connection.execute(select(table)))
                found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    await database.close()
    return found


def own_tables(metadata: MetaData, context: str) -> list[Table]:
    tables = PlatformTables.found(metadata, context)
    bookkeeping = {tables.outbox, tables.inbox, tables.idempotency, tables.dead_letters}
    return [table for table in metadata.sorted_tables if table not in bookkeeping]
