"""What is kept of the catalogue, and which changes end it."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from caddy_shopping.contexts.products.application.archive_product import ArchiveProduct
from caddy_shopping.contexts.products.application.change_stock import ChangeStock
from caddy_shopping.contexts.products.application.freshness import CATALOGUE, LISTS, only_stock, stock_of
from caddy_shopping.contexts.products.application.queries import ProductFilter
from caddy_shopping.contexts.products.domain.stock import Reason
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.module import build
from caddy_shopping.contexts.products.settings import ProductsSettings
from caddy_shopping.contracts.products import ProductNotFound, ReservationLine
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import PageRequest
from caddy_shopping.platform.cache.alone import MemoryCache
from caddy_shopping.platform.cache.metrics import CacheMetrics
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.contexts.products.conftest import STAFF, Catalogue, a_variant
from tests.support.database import Bench, MakeBench
from tests.support.fakes.orders import FakeOrders

FIRST = ProductFilter(), PageRequest()


class Kept(Catalogue):
    """A catalogue whose cache keeps, and says what it forgets."""

    forgotten: set[str]
    metrics: Metrics

    async def loads(self, read: Any) -> int:
        """How often the database was asked for it."""
        before = self._loads()
        await read
        return self._loads() - before

    def _loads(self) -> int:
        return int(self.metrics.registry.get_sample_value("cache_load_seconds_count") or 0)


@pytest.fixture
async def kept(make_bench: MakeBench, tmp_path: Path) -> Kept:
    bench: Bench = await make_bench("products", tables.metadata, tables.platform_tables)
    metrics, forgotten = Metrics(), set[str]()
    cache = MemoryCache(CacheMetrics(metrics.registry), forgotten.update, longest=300)
    kit = replace(bench.kit, cache=cache)
    module = build(kit, ProductsSettings(media_folder=tmp_path / "media"), FakeOrders())
    made = Kept(Bench(kit, bench.clock), module, FakeOrders())
    made.forgotten, made.metrics = forgotten, metrics
    return made


async def reserve(kept: Kept, variant_id: UUID, quantity: int) -> UUID:
    order_id = new_id()
    await kept.service.reserve(order_id=order_id, lines=[ReservationLine(variant_id, quantity)], ttl_seconds=60)
    return order_id


async def test_reads_come_back_as_they_went_in(kept: Kept) -> None:
    await kept.category("Tops")
    product = await kept.add("Wool jumper 羊毛衫", a_variant(9900, "S"), a_variant(9900, "L"), options=("Size",))
    queries = kept.use_cases.queries
    for read in (
        lambda: queries.product(product.slug),
        lambda: queries.products(*FIRST),
        lambda: queries.facets(ProductFilter()),
        queries.categories,
    ):
        first, again = await read(), await read()
        assert first == again
        assert type(first) is type(again)
    assert await kept.loads(queries.product(product.slug)) == 0


async def test_that_there_is_none_is_kept_until_there_is_one(kept: Kept) -> None:
    queries = kept.use_cases.queries
    for _ in range(2):
        with pytest.raises(ProductNotFound):
            await queries.product("jumper")
    assert kept._loads() == 1
    await kept.add("Jumper", slug="jumper")
    assert (await queries.product("jumper")).title == "Jumper"


async def test_an_order_ends_what_is_kept_of_its_product_alone(kept: Kept) -> None:
    one, other = await kept.add("One"), await kept.add("Other")
    queries = kept.use_cases.queries
    for slug in (one.slug, other.slug):
        await queries.product(slug)
    await queries.products(*FIRST)
    kept.forgotten.clear()

    order_id = await reserve(kept, one.variants[0].id, 2)
    assert kept.forgotten == {stock_of(one.variants[0].id)}
    assert only_stock(kept.forgotten)
    assert (await queries.product(one.slug)).variants[0].available == 3
    assert await kept.loads(queries.product(other.slug)) == 0
    assert await kept.loads(queries.products(*FIRST)) == 0

    await kept.service.release(order_id=order_id)
    assert (await queries.product(one.slug)).variants[0].available == 5


async def test_what_sells_out_shows_in_lists(kept: Kept) -> None:
    product = await kept.add("Last ones")
    queries = kept.use_cases.queries
    assert (await queries.products(*FIRST)).items[0].in_stock
    kept.forgotten.clear()
    order_id = await reserve(kept, product.variants[0].id, 5)
    assert LISTS in kept.forgotten
    assert not only_stock(kept.forgotten)
    assert not (await queries.products(*FIRST)).items[0].in_stock
    await kept.service.release(order_id=order_id)
    assert (await queries.products(*FIRST)).items[0].in_stock


async def test_what_staff_do_shows_at_once(kept: Kept) -> None:
    product = await kept.add("Jumper")
    queries, variant = kept.use_cases.queries, product.variants[0].id
    await queries.product(product.slug)
    change = ChangeStock(actor=STAFF, variant_id=variant, delta=3, reason=Reason.RECEIVED)
    kept.forgotten.clear()
    await kept.run(kept.use_cases.change_stock, change)
    assert (await queries.product(product.slug)).variants[0].available == 8
    assert not only_stock(kept.forgotten)

    assert await queries.categories() == []
    kept.forgotten.clear()
    await kept.category("Tops")
    assert [node.name for node in await queries.categories()] == ["Tops"]
    assert kept.forgotten == {CATALOGUE}

    current = await queries.staff_product(product.id)
    await kept.run(
        kept.use_cases.archive_product, ArchiveProduct(actor=STAFF, product_id=product.id, version=current.version)
    )
    with pytest.raises(ProductNotFound):
        await queries.product(product.slug)


async def test_what_is_bought_is_never_kept(kept: Kept) -> None:
    product = await kept.add("Jumper")
    ids = [product.variants[0].id]
    for _ in range(2):
        assert (await kept.service.get_variants(variant_ids=ids))[0].available == 5
    assert kept._loads() == 0
    assert (await kept.use_cases.queries.staff_product(product.id)).title == "Jumper"
    assert kept._loads() == 0


async def test_warm(kept: Kept) -> None:
    slugs = [(await kept.add(f"Jumper {n}")).slug for n in range(3)]
    assert await kept.use_cases.warm() == 3
    assert await kept.loads(kept.use_cases.queries.products(*FIRST)) == 0
    for slug in slugs:
        assert await kept.loads(kept.use_cases.queries.product(slug)) == 0
