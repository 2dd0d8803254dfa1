"""The demo catalogue: once, whole, and never over somebody's own."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.contexts.products.csv_support import DEMO, row
from tests.contexts.products.import_support import ImportShop, open_shop


@pytest.fixture
async def shop(make_bench: Callable[..., Any]) -> ImportShop:
    return await open_shop(make_bench)


async def test_an_empty_shop_gets_all_sixty(shop: ImportShop) -> None:
    seed = shop.module.use_cases.seed
    assert await seed() == "Loaded the demo catalogue: 60 products, 66 variants."
    entries = await shop.entries()
    assert len(entries) == 60
    specs = [spec for entry in entries for spec in entry.variants]
    assert [spec.stock for spec in specs if spec.tracked] == [100]
    assert max(spec.stock for spec in specs if not spec.tracked) == 6
    assert all(entry.category for entry in entries)


async def test_a_second_time_does_nothing(shop: ImportShop) -> None:
    seed = shop.module.use_cases.seed
    await seed()
    events = await shop.bench.outbox()
    assert await seed() == ""
    assert await shop.bench.outbox() == events


async def test_the_stock_can_be_said_or_left(shop: ImportShop) -> None:
    await shop.module.use_cases.seed(None)
    assert [spec.stock for entry in await shop.entries() for spec in entry.variants if spec.tracked] == [8]


async def test_one_that_was_stopped_goes_on_and_leaves_changes_alone(shop: ImportShop) -> None:
    await shop.take((DEMO / "apparel.csv").read_bytes())
    async with shop.module.use_cases.import_products.uow() as tx:
        product = (await tx.products.find_by_slugs(["ocean-blue-shirt"]))["ocean-blue-shirt"]
        product.change(shop.bench.clock.now(), details=msgspec.structs.replace(product.details, title="Mine"))
    assert await shop.module.use_cases.seed() == "Loaded the demo catalogue: 40 products, 44 variants."
    assert len(await shop.entries()) == 60
    assert (await shop.entry("ocean-blue-shirt")).details.title == "Mine"


async def test_a_shop_with_products_of_its_own_is_left_alone(shop: ImportShop) -> None:
    await shop.take_rows(row())
    assert await shop.module.use_cases.seed() == ""
    assert [entry.handle for entry in await shop.entries()] == ["cup"]
