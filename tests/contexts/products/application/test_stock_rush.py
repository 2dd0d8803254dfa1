"""Many buyers at once for few pieces, and what holds when the guards are taken out."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from unittest.mock import AsyncMock
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import bindparam, text, update

from caddy_shopping.contexts.products.domain.stock import ShelfItem
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.infrastructure.repositories import SqlProductsTransaction
from caddy_shopping.contexts.products.infrastructure.stock import SqlStock
from caddy_shopping.contracts.products import (
    OutOfStock,
    Reservation,
)
from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.lines import PooledWriting, Writing
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.db.unit_of_work import unit_of_work
from tests.contexts.products.conftest import Catalogue, a_variant
from tests.contexts.products.stock_support import reserve
from tests.support.engine import ENGINE, only_sqlite


async def rush(catalogue: Catalogue) -> tuple[UUID, UUID, list[Any]]:
    """60 buyers at once for stock 20 of one variant; every other one also wants the second, in opposite order."""
    product = await catalogue.add("A", a_variant(1, "S", stock=20), a_variant(1, "L", stock=1000), options=["Size"])
    one, two = (variant.id for variant in product.variants)

    async def buy(n: int) -> Any:
        lines = [[(one, 1)], [(one, 1), (two, 2)], [(two, 2), (one, 1)]][n % 3]
        return await reserve(catalogue, new_id(), *lines)

    return one, two, await asyncio.gather(*(buy(n) for n in range(60)), return_exceptions=True)


async def test_sixty_buyers_for_twenty_pieces(catalogue: Catalogue) -> None:
    one, two, answers = await rush(catalogue)
    won = [answer for answer in answers if isinstance(answer, Reservation)]
    assert len(won) == 20
    assert {type(answer) for answer in answers if answer not in won} == {OutOfStock}
    assert await catalogue.books(one) == (0, 20, 0)
    pairs = sum(2 for answer in won if len(answer.lines) == 2)
    assert await catalogue.books(two) == (1000 - pairs, pairs, 0)
    assert len({row.order_id for row in await catalogue.rows(tables.reserved)}) == 20


class WishfulStock(SqlStock):
    """Sees a full shelf, whatever is there."""

    async def shelf(self, variant_ids: Iterable[UUID]) -> dict[UUID, ShelfItem]:
        found = await super().shelf(variant_ids)
        return {item.id: msgspec.structs.replace(item, stock=1_000_000) for item in found.values()}


class CarelessStock(WishfulStock):
    """The negative control: takes without asking whether there is enough."""

    _v = tables.variants.c
    TAKE = Prepared(
        update(tables.variants)
        .where(_v.id == bindparam("variant"))
        .values(stock=_v.stock - bindparam("n"), reserved=_v.reserved + bindparam("n"))
    )

    async def take(self, units: Mapping[UUID, int]) -> None:
        for variant, n in units.items():
            await self._tx.run(self.TAKE, {"variant": variant, "n": n})


def transaction(kind: type[SqlStock]) -> type[SqlProductsTransaction]:
    class WithThatStock(SqlProductsTransaction):
        def __init__(self, writing: Writing) -> None:
            super().__init__(writing)
            self.stock = kind(self)

    return WithThatStock


class Unchecked(SqlStock):
    """The database does not look either: its CHECK is out, where a statement can do that. (TiDB has none on.)"""

    async def take(self, units: Mapping[UUID, int]) -> None:
        if ENGINE.embedded:
            await self._tx.execute(text("PRAGMA ignore_check_constraints=ON"))
        await super().take(units)


class UncheckedStock(Unchecked, CarelessStock):
    """Nothing is left."""


class ConditionAlone(Unchecked, WishfulStock):
    """Neither a true look at the shelf nor a CHECK."""


async def careless(catalogue: Catalogue, stock: type[SqlStock] = CarelessStock) -> Catalogue:
    kit = catalogue.bench.kit
    uow = unit_of_work(kit.database, kit.tables, kit.clock, transaction(stock), kit.committed, kit.cache.forget)
    msgspec.structs.force_setattr(catalogue.use_cases.reserve_stock, "uow", uow)
    return catalogue


async def test_whatever_was_read_the_condition_holds(catalogue: Catalogue) -> None:
    one, _, answers = await rush(await careless(catalogue, ConditionAlone))
    won = [answer for answer in answers if isinstance(answer, Reservation)]
    assert len(won) == 20
    assert {type(answer) for answer in answers if answer not in won} == {ConcurrentChange}
    assert await catalogue.books(one) == (0, 20, 0)


@pytest.mark.skipif(ENGINE.ignores_checks, reason="TiDB: checks no CHECK unless tidb_enable_check_constraint is on")
async def test_without_the_condition_only_the_database_check_is_left(catalogue: Catalogue) -> None:
    one, _, answers = await rush(await careless(catalogue))
    # Nobody hears "out of stock", which the test above would notice; the CHECK stops the 21st.
    assert not any(isinstance(answer, OutOfStock) for answer in answers)
    assert await catalogue.books(one) == (0, 20, 0)


@only_sqlite("a CHECK is taken out by PRAGMA; on servers by test_oversell")
async def test_without_condition_and_check_the_rush_sells_what_is_not_there(catalogue: Catalogue) -> None:
    one, _, answers = await rush(await careless(catalogue, UncheckedStock))
    assert [answer for answer in answers if not isinstance(answer, Reservation)] == []
    assert await catalogue.books(one) == (-40, 60, 0)


async def last_pieces_of_both(catalogue: Catalogue) -> list[bool]:
    """Ten products with one piece of each of two variants, all taken at once: what the list then says of each."""
    goods = [
        await catalogue.add(f"P{n}", a_variant(1, "S", stock=1), a_variant(1, "L", stock=1), options=["Size"])
        for n in range(10)
    ]
    await asyncio.gather(*(reserve(catalogue, new_id(), (v.id, 1)) for each in goods for v in each.variants))
    return [await catalogue.in_stock(each.id) for each in goods]


async def test_two_that_take_the_last_pieces_leave_no_product_in_stock(catalogue: Catalogue) -> None:
    assert await last_pieces_of_both(catalogue) == [False] * 10


@pytest.mark.skipif(ENGINE.embedded, reason="servers only: on SQLite one writes at a time")
async def test_negative_control_without_the_lock_each_sees_the_others_piece(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PooledWriting, "lock", AsyncMock())
    assert any(await last_pieces_of_both(catalogue))
