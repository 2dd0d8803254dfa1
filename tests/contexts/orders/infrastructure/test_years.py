"""Orders are kept apart by year: what a look-up touches, how years come and go."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select, text, update

from caddy_shopping.contexts.orders.application.keep_years import (
    ArchiveYear,
    ArchiveYearHandler,
    PrepareYears,
    PrepareYearsHandler,
)
from caddy_shopping.contexts.orders.application.queries import OrderFilter
from caddy_shopping.contexts.orders.domain.errors import YearHasOpenOrders, YearNotOver
from caddy_shopping.contexts.orders.infrastructure.tables import YEARS, order_claims, order_history, orders
from caddy_shopping.contexts.orders.infrastructure.views import SqlOrderQueries
from caddy_shopping.contexts.orders.module import schema
from caddy_shopping.kernel.ids import first_id, new_id
from caddy_shopping.kernel.paging import PageRequest
from caddy_shopping.platform.db import migrate
from caddy_shopping.platform.db.engine import Database, open_database
from caddy_shopping.platform.db.years import years_of
from tests.support.clock import FakeClock
from tests.support.engines import engine_database, engine_url
from tests.support.explain import explained

__all__ = ["engine_database", "engine_url"]
ALL = PageRequest(100)


def moment(year: int, month: int = 6) -> datetime:
    return datetime(year, month, 15, 12, tzinfo=UTC)


def an_order(at: datetime) -> dict[str, Any]:
    made_at = first_id(at - timedelta(seconds=2)).int | new_id().int % (1 << 80)
    words = {
        "email": "ada@example.com",
        "language": "en",
        "status": "COMPLETED",
        "currency": "CNY",
        "tax_included": True,
    }
    amounts = {f"{name}_amount": 100 for name in ("subtotal", "shipping", "tax", "total", "paid", "refunded")}
    moments = {"placed_at": at, "expires_at": at}
    keys = {"id": UUID(int=made_at), "number": new_id().hex[-12:], "user_id": new_id()}
    return keys | words | amounts | moments | {"tax_included": True, "version": 1}


async def write(database: Database, *rows: dict[str, Any]) -> None:
    claims = [
        {"order_id": row["id"], "number": row["number"], "outcome": "placed", "at": row["placed_at"]} for row in rows
    ]
    entries = [
        {"id": new_id(), "order_id": row["id"], "at": row["placed_at"], "actor_role": "customer", "action": "placed"}
        for row in rows
    ]
    async with database.writer.begin() as connection:
        for table, values in ((orders, list(rows)), (order_claims, claims), (order_history, entries)):
            await connection.execute(insert(table), values)


@pytest.fixture
async def database(engine_database: Database) -> AsyncIterator[Database]:
    """Two orders in each of three years, and one of long after."""
    await migrate.upgrade(engine_database, schema)
    every = [an_order(moment(year, month)) for year in (2025, 2026, 2027) for month in (3, 9)]
    await write(engine_database, *every, an_order(moment(2031)))
    yield engine_database
    await migrate.downgrade(engine_database, schema)
    apart = [f"{table}_p2025" for table in YEARS]
    async with engine_database.writer.connect() as connection:
        for table in apart:
            await connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
            await connection.commit()


def one_table(database: Database) -> bool:
    return database.dialect == "sqlite"


async def touched(database: Database, act: Any) -> set[str]:
    """The partitions of `orders` that the statements of `act` look into."""
    return set().union(*(plan.partitions["orders"] for plan in await explained(database, act)))


async def test_a_look_up_by_id_or_number_touches_one_partition(database: Database) -> None:
    queries = SqlOrderQueries(database)
    row = (await queries.page(OrderFilter(placed_from=moment(2026, 1), placed_before=moment(2026, 6)), ALL)).items[0]
    by_id = await touched(database, lambda: queries.find(row.id, None))
    by_number = await touched(database, lambda: queries.find(row.number, None))
    if not one_table(database):
        assert by_id == by_number == {"p2026"}
    assert (await queries.find(row.number, None)).id == row.id


async def test_a_look_up_by_time_touches_one_partition(database: Database) -> None:
    queries = SqlOrderQueries(database)
    month = OrderFilter(placed_from=moment(2026, 3), placed_before=moment(2026, 4))
    assert len((await queries.page(month, ALL)).items) == 1
    assert len((await queries.page(OrderFilter(), ALL)).items) == 7
    if one_table(database):
        return
    assert await touched(database, lambda: queries.page(month, ALL)) == {"p2026"}
    # Negative control: a time without an end may be any year's from there on.
    open_end = OrderFilter(placed_from=moment(2026, 3))
    assert await touched(database, lambda: queries.page(open_end, ALL)) == {"p2026", "p2027", "p_future"}


async def test_a_page_goes_on_where_it_stopped_across_years(database: Database) -> None:
    queries = SqlOrderQueries(database)
    whole = [each.id for each in (await queries.page(OrderFilter(), ALL)).items]
    walked, page = [], PageRequest(2)
    while True:
        part = await queries.page(OrderFilter(), page)
        walked += [each.id for each in part.items]
        if part.next_cursor is None:
            break
        page = PageRequest(2, part.next_cursor)
    assert walked == whole
    assert len(whole) == 7


async def test_years_are_made_ahead_by_two_at_once(database: Database, engine_url: str) -> None:
    before = await SqlOrderQueries(database).page(OrderFilter(), ALL)
    other = open_database(engine_url)
    both = await asyncio.gather(*(years_of(each, YEARS).make(2029) for each in (database, other)))
    await other.close()
    made = [f"{table}_p{year}" for table in YEARS for year in (2028, 2029)]
    assert sorted(both[0] + both[1]) == ([] if one_table(database) else sorted(made))
    years = years_of(database, YEARS)
    for table in YEARS:
        assert await years.of(table) == ([] if one_table(database) else [2025, 2026, 2027, 2028, 2029])
    assert await years.make(2029) == []
    assert await SqlOrderQueries(database).page(OrderFilter(), ALL) == before


async def test_a_year_made_late_takes_over_what_lay_in_the_future(database: Database) -> None:
    await write(database, late := an_order(moment(2028)))
    await years_of(database, YEARS).make(2028)
    queries = SqlOrderQueries(database)
    assert len((await queries.page(OrderFilter(), ALL)).items) == 8
    assert len((await queries.find(late["id"], None)).history) == 1
    if not one_table(database):
        assert await touched(database, lambda: queries.find(late["id"], None)) == {"p2028"}


async def test_an_old_year_is_detached_with_all_that_belongs_to_it(database: Database) -> None:
    if one_table(database):
        assert await years_of(database, YEARS).detach(2025) == []
        return
    queries, years = SqlOrderQueries(database), years_of(database, YEARS)
    old = (await queries.page(OrderFilter(placed_before=moment(2026, 1)), ALL)).items
    assert await years.detach(2025) == [f"{table}_p2025" for table in YEARS]
    assert await years.detach(2025) == []
    assert await years.of("orders") == [2026, 2027]
    assert len((await queries.page(OrderFilter(), ALL)).items) == 5
    async with database.read() as connection:
        for table in ("orders", "order_history"):
            found = await connection.execute(text(f"SELECT count(*) FROM {table}_p2025"))
            assert found.scalar() == len(old) == 2
        # Its numbers stay taken, and its ids decided.
        claims = await connection.execute(select(order_claims).where(order_claims.c.order_id == old[0].id))
        assert claims.one().number == old[0].number
    assert await years.make(2028) == [f"{table}_p2028" for table in YEARS]


async def test_only_a_finished_year_is_archived(database: Database) -> None:
    clock, made = FakeClock(moment(2026)), years_of(database, YEARS)
    archive = ArchiveYearHandler(made, clock, SqlOrderQueries(database).unfinished)
    await write(database, an_order(moment(2025)) | {"status": "SHIPPED"})
    with pytest.raises(YearNotOver):
        await archive(ArchiveYear(year=2026))
    with pytest.raises(YearHasOpenOrders):
        await archive(ArchiveYear(year=2025))
    assert len((await SqlOrderQueries(database).page(OrderFilter(), ALL)).items) == 8
    async with database.writer.begin() as connection:
        await connection.execute(update(orders).values(status="COMPLETED"))
    assert len(await archive(ArchiveYear(year=2025))) == (0 if one_table(database) else len(YEARS))


async def test_the_job_makes_the_coming_year(database: Database) -> None:
    prepare = PrepareYearsHandler(years_of(database, YEARS), FakeClock(moment(2026)))
    assert await prepare(PrepareYears()) == []
    later = PrepareYearsHandler(years_of(database, YEARS), FakeClock(moment(2027, 1)))
    assert len(await later(PrepareYears())) == (0 if one_table(database) else len(YEARS))


async def test_nothing_is_dropped_that_was_not_taken_out(database: Database) -> None:
    """A detached table that is there already and has rows must not cost the partition its own."""
    if database.dialect not in ("mysql", "mariadb"):
        return
    async with database.writer.begin() as connection:
        await connection.execute(text("CREATE TABLE orders_p2025 LIKE orders"))
        await connection.execute(text("ALTER TABLE orders_p2025 REMOVE PARTITIONING"))
        await connection.execute(text("INSERT INTO orders_p2025 SELECT * FROM orders"))
    with pytest.raises(RuntimeError, match="nothing was dropped"):
        await years_of(database, YEARS).detach(2025)
    assert len((await SqlOrderQueries(database).page(OrderFilter(), ALL)).items) == 7


async def test_a_number_is_given_once(database: Database) -> None:
    await write(database, first := an_order(moment(2026)))
    with pytest.raises(Exception, match=r"number"):
        await write(database, an_order(moment(2027)) | {"number": first["number"]})
    async with database.writer.begin() as connection:
        await connection.execute(delete(order_claims).where(order_claims.c.number == first["number"]))
    await write(database, an_order(moment(2027)) | {"number": first["number"]})
