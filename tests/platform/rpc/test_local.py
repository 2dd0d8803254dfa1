"""A local contract keeps the rules of a remote one."""

from typing import Protocol
from uuid import UUID

import pytest

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.unit_of_work import UnitOfWorkMisuse
from caddy_shopping.platform.rpc.local import local_stub
from tests.support.database import Bench
from tests.support.toy import Count, Counter, SqlToyTransaction


class Prices(Protocol):
    async def price(self, *, ids: list[UUID]) -> list[Money]: ...


class Positional(Protocol):
    async def price(self, item: UUID) -> Money: ...


class Shelf:
    def __init__(self) -> None:
        self.asked: list[UUID] = []

    async def price(self, *, ids: list[UUID]) -> list[Money]:
        self.asked = ids
        return [Money(5, "CNY") for _ in ids]


@pytest.mark.parametrize("through_wire", [True, False])
async def test_a_call_reaches_the_service(through_wire: bool) -> None:
    shelf, item = Shelf(), new_id()
    prices = local_stub(Prices, lambda: shelf, through_wire=through_wire)
    assert await prices.price(ids=[item]) == [Money(5, "CNY")]
    assert shelf.asked == [item]
    assert (shelf.asked[0] is item) is not through_wire


def test_positional_arguments_are_refused_when_the_stub_is_made() -> None:
    with pytest.raises(TypeError, match="keyword-only"):
        local_stub(Positional, Shelf)


async def test_a_call_inside_a_unit_of_work_raises(bench: Bench) -> None:
    shelf = Shelf()
    prices = local_stub(Prices, lambda: shelf)
    uow = bench.kit.unit_of_work(SqlToyTransaction)

    async def misbehaves(command: Count) -> Counter:
        async with uow():
            await prices.price(ids=[new_id()])
        return Counter("a", 0)

    async def behaves(command: Count) -> Counter:
        await prices.price(ids=[new_id()])
        async with uow():
            return Counter("a", 0)

    with pytest.raises(UnitOfWorkMisuse):
        await bench.kit.run(misbehaves, Count())
    assert shelf.asked == []
    await bench.kit.run(behaves, Count())
    assert len(shelf.asked) == 1


async def test_units_of_work_do_not_nest(bench: Bench) -> None:
    uow = bench.kit.unit_of_work(SqlToyTransaction)

    async def nests(command: Count) -> Counter:
        async with uow(), uow():
            return Counter("a", 0)

    with pytest.raises(UnitOfWorkMisuse):
        await bench.kit.run(nests, Count())


async def test_a_consumer_has_one_unit_of_work(bench: Bench) -> None:
    uow = bench.kit.unit_of_work(SqlToyTransaction)

    async def two(command: Count) -> Counter:
        async with uow():
            pass
        async with uow():
            pass
        return Counter("a", 0)

    with pytest.raises(UnitOfWorkMisuse):
        await bench.kit.run.consume("toy.two", new_id(), two, Count())
    await bench.kit.run(two, Count())
