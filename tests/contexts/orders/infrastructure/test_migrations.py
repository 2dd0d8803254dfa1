"""What is in the tables goes through each migration of orders, up and down, on every database."""

from datetime import UTC, datetime

from sqlalchemy import insert

from caddy_shopping.contexts.orders.application.views import HistoryView
from caddy_shopping.contexts.orders.infrastructure.tables import orders
from caddy_shopping.contexts.orders.infrastructure.views import SqlOrderQueries
from caddy_shopping.contexts.orders.module import schema
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db import migrate
from caddy_shopping.platform.db.engine import Database
from tests.contexts.orders.infrastructure.test_years import an_order, write
from tests.support.engines import engine_database, engine_url

__all__ = ["engine_database", "engine_url"]


async def test_who_placed_an_order_is_known_before_and_after(engine_database: Database) -> None:
    await migrate.upgrade(engine_database, schema)
    at, queries = datetime.now(UTC).replace(microsecond=5), SqlOrderQueries(engine_database)
    new = an_order(at) | {"placed_by": new_id(), "placed_as": "guest"}
    async with engine_database.writer.begin() as connection:
        await connection.execute(insert(orders), [new])
    old = an_order(at)
    await write(engine_database, old)

    async def history() -> list[list[HistoryView]]:
        return [(await queries.find(each["id"], None)).history for each in (new, old)]

    first = await history()
    assert first == [
        [HistoryView(at, "guest", new["placed_by"], "placed", None)],
        [HistoryView(at, "customer", None, "placed", None)],
    ]
    await migrate.downgrade(engine_database, schema, "orders_0002")
    await migrate.upgrade(engine_database, schema)
    assert await history() == first
