"""Drafts that the catalogue refuses, and imports that end half way."""

from collections.abc import Callable
from typing import Any

import pytest

from caddy_shopping.contexts.products.application.import_products import ImportProducts
from caddy_shopping.contexts.products.domain.csv_errors import NotACatalogue
from caddy_shopping.contexts.products.domain.product_draft import Record
from caddy_shopping.contexts.products.domain.shopify_csv import ShopifyCsv
from caddy_shopping.contexts.products.infrastructure import csv_bulk, tables
from caddy_shopping.kernel.actor import ANONYMOUS, Actor, Role
from caddy_shopping.kernel.errors import Unauthenticated
from caddy_shopping.kernel.ids import new_id
from tests.contexts.products.csv_support import csv_text, more, read, row
from tests.contexts.products.import_support import ImportShop, open_shop

MakeBench = Callable[..., Any]
A, B, C = (f"https://example.com/{name}.jpg" for name in "abc")


@pytest.fixture
async def shop(make_bench: MakeBench) -> ImportShop:
    return await open_shop(make_bench)


def codes(shop: ImportShop) -> list[tuple[int, str]]:
    return [(refusal.line, refusal.error.code) for refusal in shop.refusals]


async def test_more_of_a_product_that_nobody_knows(shop: ImportShop) -> None:
    totals = await shop.take_rows(more(value="M"), more(value="L"))
    assert codes(shop) == [(2, "CSV_TITLE_MISSING"), (3, "CSV_FIRST_ROW_REFUSED")]
    assert (totals.products, totals.rows_taken, totals.rows_refused) == ({"refused": 1}, 0, 2)
    assert await shop.entries() == []


async def test_a_sku_of_another_product_is_refused_by_line(shop: ImportShop) -> None:
    await shop.take_rows(row(handle="old", title="Old", sku="X1"))
    totals = await shop.take_rows(
        row(name="Size", value="S", sku="X2"),
        more(value="M", sku="X1"),
        more(value="L", sku="X3"),
        row(handle="pot", title="Pot", sku="X3"),
    )
    assert codes(shop) == [(3, "CSV_SKU_TAKEN"), (5, "CSV_SKU_TAKEN")]
    assert (totals.rows_taken, totals.products) == (2, {"created": 1, "refused": 1})
    assert [spec.sku for spec in (await shop.entry("cup")).variants] == ["X2", "X3"]
    assert {entry.handle for entry in await shop.entries()} == {"old", "cup"}
    totals = await shop.take_rows(row(handle="old", title="Old", sku="X1"))
    assert (totals.products, shop.refusals) == ({"unchanged": 1}, [])


async def test_skus_and_options_within_one_product(shop: ImportShop) -> None:
    await shop.take_rows(row(name="Size", value="S", sku="S1"), more(value="M", sku="M1"))
    await shop.take_rows(
        row(name="Size", value="Small", sku="S1"),
        more(value="Small", sku="S9"),
        more(value="L", sku="S1"),
        more(value="M", sku="S1"),
        more(value="XL", sku="X1"),
        more(value="XXL", sku="X1"),
    )
    assert codes(shop) == [
        (3, "CSV_VARIANT_REPEATED"),
        (4, "CSV_SKU_TAKEN"),
        (5, "CSV_SKU_TAKEN"),
        (7, "CSV_SKU_TAKEN"),
    ]
    entry = await shop.entry("cup")
    assert [(spec.options, spec.sku) for spec in entry.variants] == [
        (("Small",), "S1"),
        (("M",), "M1"),
        (("XL",), "X1"),
    ]
    # A SKU that one row takes away is free for another only when that is committed.
    await shop.take_rows(row(name="Size", value="Small", sku="S2"), more(value="XS", sku="S1"))
    assert codes(shop) == [(3, "CSV_SKU_TAKEN")]
    await shop.take_rows(row(name="Size", value="Small", sku="S2"), more(value="XS", sku="S1"))
    assert codes(shop) == []


async def test_option_values_that_do_not_fit_the_options(shop: ImportShop) -> None:
    await shop.take_rows(
        row(name="Size", value="S", name2="Color", value2="Red"), more(value="M"), more(value="", value2="Red")
    )
    assert codes(shop) == [(3, "CSV_OPTION_MISSING"), (4, "CSV_OPTION_MISSING")]
    await shop.take_rows(row(handle="pot", title="Pot"), more(handle="pot", value="M"))
    assert codes(shop) == [(3, "CSV_OPTION_UNNAMED")]
    await shop.take_rows(row(name="Size", value="S"))
    assert codes(shop) == [(2, "CSV_OPTIONS_DIFFER")]
    assert "'Size', 'Color'" in str(shop.refusals[0])


async def test_a_product_without_a_variant(shop: ImportShop) -> None:
    await shop.take_rows(row(price="", image=A), more(price="", image=B))
    assert codes(shop) == [(2, "CSV_VARIANT_MISSING"), (3, "CSV_FIRST_ROW_REFUSED")]
    await shop.take_rows(row(price="", image=A), more(value="M"))
    assert codes(shop) == [(2, "CSV_OPTION_UNNAMED"), (3, "CSV_OPTION_UNNAMED")]
    assert await shop.entries() == []


async def test_the_same_variant_twice_and_too_many(shop: ImportShop) -> None:
    many = [more(value=str(number)) for number in range(250)]
    await shop.take_rows(row(name="Size", value="0"), *many)
    assert codes(shop) == [(3, "CSV_VARIANT_REPEATED")]
    await shop.take_rows(more(value="one too many"))
    assert codes(shop) == [(2, "CSV_VARIANTS_TOO_MANY")]
    assert len((await shop.entry("cup")).variants) == 250


async def test_what_the_domain_refuses_costs_the_product(shop: ImportShop) -> None:
    tags = ",".join(map(str, range(101)))
    totals = await shop.take_rows(row(tags=tags, type="Odd"), more(price="", image=A), row(handle="pot", title="Pot"))
    assert codes(shop) == [(2, "PRODUCT_INVALID"), (3, "CSV_FIRST_ROW_REFUSED")]
    assert totals.products == {"refused": 1, "created": 1}
    assert [entry.handle for entry in await shop.entries()] == ["pot"]


async def test_a_refused_product_leaves_no_category_behind(shop: ImportShop) -> None:
    await shop.take_rows(row(price="", type="Ghosts"))
    assert codes(shop) == [(2, "CSV_VARIANT_MISSING")]
    assert await shop.rows(tables.categories) == []
    await shop.take_rows(row(type="Ghosts"))
    assert len(await shop.rows(tables.categories)) == 1


@pytest.mark.parametrize("batches", [0, 1, 3])
async def test_killed_half_way_and_run_again(make_bench: MakeBench, shop: ImportShop, batches: int) -> None:
    rows = [row(handle=f"p-{n}", title=f"P {n}", type=f"T {n % 3}", image=A, sku=f"S{n}") for n in range(180)]
    drafts, _ = read_all(rows)

    class Killed(Exception):
        pass

    def dying() -> Any:
        for number, draft in enumerate(drafts):
            if number > batches * 50 + 20:
                raise Killed
            yield draft

    with pytest.raises(Killed):
        await shop.take_items(dying())
    assert len(await shop.entries()) == batches * 50
    totals = await shop.take_rows(*rows)
    assert (totals.products["created"], totals.products["unchanged"]) == (180 - batches * 50, batches * 50)
    entries = await shop.entries()
    assert [entry.handle for entry in entries] == [f"p-{n}" for n in range(180)]
    assert len(await shop.bench.outbox()) == 180


def read_all(rows: list[dict[str, str]]) -> Any:
    return read(csv_text(*rows))


async def test_a_fault_in_a_batch_takes_the_whole_batch_back(shop: ImportShop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*args: object) -> None:
        raise RuntimeError("the machine is on fire")

    with monkeypatch.context() as patch:
        patch.setattr(csv_bulk, "refresh", fault)
        with pytest.raises(RuntimeError):
            await shop.take_rows(row(type="Cups"), row(handle="pot", title="Pot"))
    assert await shop.entries() == []
    assert await shop.bench.outbox() == []
    assert (await shop.take_rows(row(type="Cups"))).products == {"created": 1}


async def test_a_file_of_garbage_is_given_up_soon(shop: ImportShop) -> None:
    def garbage() -> Any:
        yield "Handle,Title,Variant Price\n"
        for number in range(1_000_000):
            yield f"{number},garbage\n"
            read_lines.append(number)

    read_lines: list[int] = []
    with pytest.raises(NotACatalogue) as refused:
        await shop.take_items(drafts_of(garbage()))
    assert len(read_lines) < 2_000
    assert "line" in str(refused.value)
    assert len(shop.refusals) == 1_000


async def test_bad_rows_among_good_ones_are_never_given_up(shop: ImportShop) -> None:
    bad = [more(handle="pot", price="x") for _ in range(1_200)]
    totals = await shop.take_rows(row(), *bad, row(handle="last", title="Last"))
    assert (totals.products, totals.rows_refused) == ({"created": 2}, 1_200)


def drafts_of(lines: Any) -> Any:
    """Drafts of rows without quotes, read as they are made."""
    return ShopifyCsv("CNY").products(
        Record(number, line.rstrip("\n").split(",")) for number, line in enumerate(lines, 1)
    )


async def test_who_may(shop: ImportShop) -> None:
    drafts, _ = read_all([row()])
    handler = shop.module.use_cases.import_products
    with pytest.raises(Unauthenticated):
        await shop.module.run(handler, ImportProducts(actor=ANONYMOUS, drafts=drafts))
    assert await shop.entries() == []
    staff = Actor(Role.STAFF, new_id(), permissions=frozenset({"products:manage"}))
    report = await shop.module.run(handler, ImportProducts(actor=staff, drafts=drafts))
    assert report.products == {"created": 1}
