"""Drafts into the catalogue: created, changed, left alone."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from caddy_shopping.contexts.products.domain.product import Image
from caddy_shopping.contexts.products.domain.product_draft import CatalogueEntry, CategoryName
from caddy_shopping.contexts.products.domain.stock import Movement, Reason
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contracts.products import ProductChanged, StockChanged
from tests.contexts.products.csv_support import DEMO, more, row
from tests.contexts.products.import_support import ImportShop, open_shop

MakeBench = Callable[..., Any]
A, B, C = (f"https://example.com/{name}.jpg" for name in "abc")


@pytest.fixture
async def shop(make_bench: MakeBench) -> ImportShop:
    return await open_shop(make_bench)


def without_ids(entry: CatalogueEntry) -> tuple[Any, ...]:
    """What two shops that took the same file agree on: all but ids, and SKUs that each made up."""
    variants = [msgspec.structs.replace(spec, id=None, sku=None) for spec in entry.variants]
    return entry.handle, entry.details, entry.category, entry.options, variants, entry.images


async def versions(shop: ImportShop) -> dict[str, int]:
    return {product.slug: product.version for product in await shop.rows(tables.products)}


async def test_the_demo_files_come_in_whole_and_a_second_time_change_nothing(shop: ImportShop) -> None:
    for again in (False, True):
        fate = "unchanged" if again else "created"
        for name, rows, variants, images in (
            ("apparel", 22, 22, 20),
            ("home-and-garden", 21, 21, 21),
            ("jewelery", 41, 23, 41),
        ):
            totals = await shop.take((DEMO / f"{name}.csv").read_bytes())
            assert shop.refusals == []
            assert (totals.rows_taken, totals.rows_refused) == (rows, 0)
            assert (totals.products, totals.variants, totals.images) == (
                {fate: 20},
                {fate: variants},
                {fate: images},
            )
        if not again:
            before, events = await versions(shop), await shop.bench.outbox()
    assert await versions(shop) == before
    assert set(before.values()) == {1}
    assert await shop.bench.outbox() == events
    assert [kind for kind, _ in events].count("ProductChanged") == len(events) == 60


async def test_a_new_product_is_listed_found_and_announced(shop: ImportShop) -> None:
    await shop.take_rows(
        row(name="Size", value="S", sku="CUP-S", type="Kitchen", tags="tea", vendor="Kiln", tracker="shopify", qty="3"),
        more(value="L", price="9", image=A),
    )
    [product] = await shop.rows(tables.products)
    assert (product.is_active, product.in_stock, product.image_url) == (True, True, A)
    assert (product.min_price_amount, product.max_price_amount, product.version) == (500, 900, 1)
    labels = {(label.kind, label.value) for label in await shop.rows(tables.labels)}
    assert labels == {
        ("category", "kitchen"),
        ("type", "Kitchen"),
        ("tag", "tea"),
        ("vendor", "Kiln"),
        ("option", "Size:S"),
        ("option", "Size:L"),
    }
    assert await shop.found("cup-s") == 1
    [movement] = await shop.rows(tables.movements)
    assert (movement.delta, movement.reason) == (3, Reason.OPENING)
    [(kind, payload)] = await shop.bench.outbox()
    assert kind == "ProductChanged"
    assert msgspec.json.decode(payload, type=ProductChanged) == ProductChanged(product_id=product.id, slug="cup")
    assert len(shop.bench.wakes) == 1


async def test_a_draft_is_not_listed(shop: ImportShop) -> None:
    await shop.take_rows(row(status="draft", tags="tea"))
    [product] = await shop.rows(tables.products)
    assert not product.is_active
    assert await shop.rows(tables.labels) == []


async def test_what_differs_is_changed(shop: ImportShop) -> None:
    await shop.take_rows(row(name="Size", value="S", sku="S1"), more(value="M", image=A, alt="old"))
    totals = await shop.take_rows(
        row(title="Mug", name="Size", value="S", price="6"), more(value="M", image=A, alt="new"), more(value="L")
    )
    assert (totals.products, totals.variants, totals.images) == (
        {"updated": 1},
        {"updated": 1, "unchanged": 1, "created": 1},
        {"updated": 1},
    )
    entry = await shop.entry("cup")
    assert entry.details.title == "Mug"
    assert [(spec.options, spec.price.amount) for spec in entry.variants] == [
        (("S",), 600),
        (("M",), 500),
        (("L",), 500),
    ]
    assert entry.variants[0].sku == "S1"
    assert entry.images == (Image(A, "new"),)
    assert await versions(shop) == {"cup": 2}
    assert await shop.found("mug") == 1
    assert [kind for kind, _ in await shop.bench.outbox()] == ["ProductChanged"] * 2


async def test_what_the_file_does_not_name_stays(shop: ImportShop) -> None:
    await shop.take_rows(row(name="Size", value="S", image=A), more(value="M", image=B))
    totals = await shop.take_rows(row(name="Size", value="L", image=C))
    assert totals.variants == {"created": 1}
    entry = await shop.entry("cup")
    assert [spec.options for spec in entry.variants] == [("S",), ("M",), ("L",)]
    assert [image.url for image in entry.images] == [A, B, C]


async def test_a_file_that_names_all_variants_and_images_orders_them(shop: ImportShop) -> None:
    await shop.take_rows(row(name="Size", value="S", image=A), more(value="M", image=B))
    await shop.take_rows(row(name="Size", value="M", image=A, position="2"), more(value="S", image=B, position="1"))
    entry = await shop.entry("cup")
    assert [spec.options for spec in entry.variants] == [("M",), ("S",)]
    assert [image.url for image in entry.images] == [B, A]


async def test_a_column_that_is_not_there_changes_nothing(shop: ImportShop) -> None:
    await shop.take_rows(
        row(body="<p>Tea</p>", vendor="Kiln", sku="C1", barcode="77", tracker="shopify", status="draft")
    )
    totals = await shop.take("Handle,Title,Variant Price\ncup,Mug,7\n")
    assert totals.products == {"updated": 1}
    entry = await shop.entry("cup")
    assert (entry.details.title, entry.details.vendor, entry.details.status) == ("Mug", "Kiln", "draft")
    [spec] = entry.variants
    assert (spec.price.amount, spec.sku, spec.barcode, spec.tracked) == (700, "C1", "77", True)


async def test_a_handle_that_comes_back_later_adds_to_its_product(shop: ImportShop) -> None:
    rows = (
        row(name="Size", value="S", image=A),
        row(handle="pot", title="Pot"),
        more(value="M", image=B),
        more(handle="pot", title="Kettle", price="8"),
    )
    totals = await shop.take_rows(*rows)
    assert shop.refusals == []
    assert totals.products == {"created": 2, "updated": 2}
    cup = await shop.entry("cup")
    assert ([spec.options for spec in cup.variants], len(cup.images)) == ([("S",), ("M",)], 2)
    assert (await shop.entry("pot")).details.title == "Kettle"
    assert (await shop.take_rows(*rows[:3])).products == {"unchanged": 2, "updated": 1}


async def test_stock_is_the_shops_unless_it_is_said(shop: ImportShop) -> None:
    rows = (row(name="Size", value="S", tracker="shopify", qty="5"), more(value="M", tracker="", qty="9"))
    await shop.take_rows(*rows)
    sold = (await shop.entry("cup")).variants[0].id
    assert sold is not None
    async with shop.module.use_cases.import_products.uow() as tx:
        await tx.stock.change(Movement(variant_id=sold, delta=-2, reason=Reason.DAMAGED, at=shop.bench.clock.now()))
    assert (await shop.take_rows(*rows)).products == {"unchanged": 1}
    assert [spec.stock for spec in (await shop.entry("cup")).variants] == [3, 9]
    events = len(await shop.bench.outbox())

    totals = await shop.take_rows(*rows, set_stock=True)
    assert totals.products == {"updated": 1}
    assert totals.variants == {"updated": 1, "unchanged": 1}
    assert [spec.stock for spec in (await shop.entry("cup")).variants] == [5, 9]
    movement = (await shop.rows(tables.movements))[-1]
    assert (movement.variant_id, movement.delta, movement.reason) == (sold, 2, Reason.IMPORTED)
    [(kind, payload)] = (await shop.bench.outbox())[events:]
    assert kind == "StockChanged"
    assert msgspec.json.decode(payload, type=StockChanged).stock == 5
    assert (await shop.take_rows(*rows, set_stock=True)).products == {"unchanged": 1}


async def test_a_file_without_quantities_sets_no_stock(shop: ImportShop) -> None:
    await shop.take_rows(row(tracker="shopify", qty="5"))
    await shop.take("Handle,Title,Variant Price\ncup,Cup,5\n", set_stock=True)
    assert (await shop.entry("cup")).variants[0].stock == 5


async def test_an_archived_product_stays_so_unless_the_file_says_a_status(shop: ImportShop) -> None:
    await shop.take_rows(row(status="archived"))
    assert (await shop.take_rows(row(published="true"))).products == {"unchanged": 1}
    assert (await shop.entry("cup")).details.status == "archived"
    assert (await shop.take_rows(row(status="active"))).products == {"updated": 1}
    assert (await shop.entry("cup")).details.status == "active"


async def test_an_option_may_be_renamed(shop: ImportShop) -> None:
    await shop.take_rows(row(name="Color", value="Red"))
    assert (await shop.take_rows(row(name="Colour", value="Red"))).products == {"updated": 1}
    assert (await shop.entry("cup")).options == ("Colour",)
    assert (await shop.take_rows(more(name="Farbe", value="Red"))).products == {"unchanged": 1}


async def test_the_same_picture_on_many_rows_is_one(shop: ImportShop) -> None:
    totals = await shop.take_rows(row(name="Size", value="S", image=A, alt="first"), more(value="M", image=A))
    assert totals.images == {"created": 1, "unchanged": 1}
    assert (await shop.entry("cup")).images == (Image(A, "first"),)


async def test_categories_are_made_once_and_found_by_name(shop: ImportShop) -> None:
    await shop.take_rows(
        row(type="Cups"),
        row(handle="b", title="B", type="cups"),
        row(handle="c", title="C", category="Men > Shoes"),
        row(handle="d", title="D", category="Women > Shoes"),
        row(handle="e", title="E", category="Shoes"),
        row(handle="f", title="F", type="!!!"),
        row(handle="g", title="G", category=" > ".join("abcdefghij")),
    )
    assert shop.refusals == []
    found = {entry.handle: [step.name for step in entry.category] for entry in await shop.entries()}
    assert found == {
        "cup": ["Cups"],
        "b": ["Cups"],
        "c": ["Men", "Shoes"],
        "d": ["Women", "Shoes"],
        "e": ["Men", "Shoes"],
        "f": ["!!!"],
        "g": list("abcdefgh"),
    }
    assert len({category.slug for category in await shop.rows(tables.categories)}) == 14


async def test_a_category_given_by_staff_stays(shop: ImportShop) -> None:
    await shop.take_rows(row(type="Cups"), row(handle="pot", title="Pot", type="Pots"))
    pots = (await shop.entry("pot")).category
    async with shop.module.use_cases.import_products.uow() as tx:
        product = (await tx.products.find_by_slugs(["cup"]))["cup"]
        category = await tx.categories.find_by_slug(pots[0].slug)
        product.change(
            shop.bench.clock.now(), details=msgspec.structs.replace(product.details, category_id=category.id)
        )
    assert (await shop.take_rows(row(type="Cups"))).products == {"unchanged": 1}
    assert (await shop.entry("cup")).category == pots
    await shop.take_rows(row(type="Mugs"))
    assert (await shop.entry("cup")).category == (CategoryName("mugs", "Mugs"),)
    await shop.take_rows(row(type="Mugs", category="Pots"))
    assert (await shop.entry("cup")).category == pots


async def test_an_archived_variant_comes_back_by_its_sku(shop: ImportShop) -> None:
    await shop.take_rows(row(name="Size", value="S", sku="S1"), more(value="M", sku="M1"))
    async with shop.module.use_cases.import_products.uow() as tx:
        product = (await tx.products.find_by_slugs(["cup"]))["cup"]
        product.change(shop.bench.clock.now(), offer=(product.options, [product.offered[0].spec()]))
    assert len((await shop.entry("cup")).variants) == 1
    totals = await shop.take_rows(row(name="Size", value="M", sku="M1"))
    assert totals.variants == {"updated": 1}
    assert [spec.sku for spec in (await shop.entry("cup")).variants] == ["S1", "M1"]
    assert len(await shop.rows(tables.variants)) == 2


async def test_two_shops_take_a_file_alike(shop: ImportShop) -> None:
    content = (DEMO / "jewelery.csv").read_bytes()
    await shop.take(content)
    first = [without_ids(entry) for entry in await shop.entries()]
    await shop.take(content, set_stock=True)
    assert [without_ids(entry) for entry in await shop.entries()] == first
