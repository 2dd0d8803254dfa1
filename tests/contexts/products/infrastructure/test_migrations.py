"""What is in the tables goes through each migration of the catalogue, up and down, on every database."""

import asyncio
from typing import Any

from sqlalchemy import column, insert, select, table, text

from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.module import schema
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db import migrate
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.types import Id, UtcDateTime
from tests.contexts.products.conftest import a_variant
from tests.contexts.products.infrastructure.test_search_engines import a_catalogue
from tests.contexts.products.stock_support import reserve
from tests.support.engines import engine_database, engine_url

__all__ = ["engine_database", "engine_url"]

HEADS = table(
    "product_reservations",
    column("order_id", Id),
    column("state"),
    column("expires_at", UtcDateTime),
    column("created_at", UtcDateTime),
)
LINES = table(
    "product_reservation_lines", column("order_id", Id), column("variant_id", Id), column("quantity"), column("taken")
)


async def rows(database: Database, source: Any) -> list[tuple[Any, ...]]:
    async with database.read() as connection:
        return sorted(tuple(row) for row in await connection.execute(select(source)))


async def test_reservations_become_one_table_and_two_again(engine_database: Database, tmp_path: Any) -> None:
    catalogue = await a_catalogue(engine_database, tmp_path)
    product = await catalogue.add("A", a_variant(1, "S", stock=9), a_variant(1, "L", stock=9), options=["Size"])
    small, large = (variant.id for variant in product.variants)
    await reserve(catalogue, new_id(), (small, 1), (large, 2))
    released = new_id()
    await reserve(catalogue, released, (large, 3))
    await catalogue.service.release(order_id=released)
    one = await rows(engine_database, tables.reserved)
    assert [(row[1], row[3]) for row in one] == [(0, 1), (1, 2), (0, 3)]

    await migrate.downgrade(engine_database, schema, "products_0001")
    heads, lines = await rows(engine_database, HEADS), await rows(engine_database, LINES)
    assert sorted(row[1] for row in heads) == ["held", "released"]
    assert [(row[0], row[2:]) for row in lines] == [(row[0], row[3:5]) for row in one]

    await migrate.upgrade(engine_database, schema)
    assert await rows(engine_database, tables.reserved) == one


async def test_a_shop_of_before_keeps_what_it_had_set_aside(engine_database: Database, tmp_path: Any) -> None:
    catalogue = await a_catalogue(engine_database, tmp_path)
    product = await catalogue.add("B", a_variant(1, "S", stock=9), a_variant(1, "L", stock=9), options=["Size"])
    small, large = sorted(variant.id for variant in product.variants)
    await migrate.downgrade(engine_database, schema, "products_0001")
    now, order = catalogue.bench.clock.now(), new_id()
    async with engine_database.writer.begin() as connection:
        await connection.execute(insert(HEADS).values(order_id=order, state="claimed", expires_at=now, created_at=now))
        await connection.execute(
            insert(LINES),
            [
                {"order_id": order, "variant_id": large, "quantity": 5, "taken": 5},
                {"order_id": order, "variant_id": small, "quantity": 1, "taken": 0},
            ],
        )
        await connection.execute(text("UPDATE product_variants SET stock = stock - 5, reserved = 5 WHERE sku = 'L'"))
    await migrate.upgrade(engine_database, schema)
    found = [row for row in await rows(engine_database, tables.reserved) if row[0] == order]
    assert found == [(order, 0, small, 1, 0, "claimed", now, now), (order, 1, large, 5, 5, "claimed", now, now)]


async def test_what_another_process_commits_meanwhile_is_not_lost(engine_database: Database, tmp_path: Any) -> None:
    """It has written a reservation as before, and commits while the migration is on its way."""
    catalogue = await a_catalogue(engine_database, tmp_path)
    variant = (await catalogue.add("C", a_variant(stock=9))).variants[0].id
    await migrate.downgrade(engine_database, schema, "products_0001")
    now, order = catalogue.bench.clock.now(), new_id()
    async with engine_database.writer.connect() as connection:
        head = insert(HEADS).values(order_id=order, state="held", expires_at=now, created_at=now)
        line = insert(LINES).values(order_id=order, variant_id=variant, quantity=5, taken=5)
        await connection.execute(head)
        await connection.execute(line)
        migration = asyncio.create_task(migrate.upgrade(engine_database, schema))
        # On SQLite nothing begins before it; elsewhere the migration has come as far as it can.
        await asyncio.sleep(1.5)
        await connection.commit()
    await asyncio.wait_for(migration, 60)
    assert [row[0] for row in await rows(engine_database, tables.reserved) if row[0] == order] == [order]
