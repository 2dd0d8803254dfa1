"""The catalogue into rows, and back into another shop."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caddy_shopping.contexts.products.application import export_products
from caddy_shopping.contexts.products.application.export_products import ExportProducts
from caddy_shopping.contexts.products.domain.csv_cells import OURS
from caddy_shopping.contexts.products.domain.csv_rows import HEADER, rows_of
from caddy_shopping.contexts.products.domain.product import Image, Status
from caddy_shopping.contexts.products.domain.product_draft import (
    CatalogueEntry,
    CategoryName,
    ImageDraft,
    ProductDraft,
    VariantDraft,
)
from caddy_shopping.contexts.products.domain.slug import search_key, slug_of
from caddy_shopping.contexts.products.domain.specs import MAX_STOCK, ProductDetails, VariantSpec
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.kernel.actor import ANONYMOUS, SYSTEM
from caddy_shopping.kernel.errors import Unauthenticated
from caddy_shopping.kernel.money import MAX_AMOUNT, Money
from tests.contexts.products.csv_support import DEMO, more, row
from tests.contexts.products.import_support import ImportShop, open_shop
from tests.support.database import benches

MakeBench = Callable[..., Any]


@asynccontextmanager
async def another_shop() -> AsyncIterator[ImportShop]:
    """An empty shop on a database of its own."""
    async with benches() as make:
        yield await open_shop(make)


def without_ids(entries: list[CatalogueEntry]) -> list[tuple[Any, ...]]:
    return [
        (
            entry.handle,
            entry.details,
            entry.category,
            entry.options,
            [msgspec.structs.replace(spec, id=None) for spec in entry.variants],
            entry.images,
        )
        for entry in entries
    ]


async def test_the_demo_files_go_round(make_bench: MakeBench) -> None:
    shop = await open_shop(make_bench)
    for path in sorted(DEMO.glob("*.csv")):
        await shop.take(path.read_bytes())
    content = await shop.exported()
    async with another_shop() as other:
        totals = await other.take(content)
        assert other.refusals == []
        assert totals.products == {"created": 60}
        assert without_ids(await other.entries()) == without_ids(await shop.entries())
        assert await other.exported() == content
    assert (await shop.take(content)).products == {"unchanged": 60}


async def test_every_status_and_both_rows_of_a_product(make_bench: MakeBench) -> None:
    shop = await open_shop(make_bench)
    await shop.take_rows(
        row(name="Size", value="S", sku="'7", image="https://example.com/a.jpg", compare="0"),
        more(price="", image="https://example.com/b.jpg"),
        row(handle="pot", title="Pot", status="draft", type="Pots", tracker="shopify", qty="3", policy="continue"),
        row(handle="old", title="Old", status="archived"),
    )
    page = await shop.module.run(shop.module.use_cases.export_products, ExportProducts(actor=SYSTEM))
    rows = [dict(zip(HEADER, cells, strict=True)) for cells in page.rows]
    assert page.handles == ["cup", "pot", "old"]
    assert [row["Handle"] for row in rows] == ["cup", "cup", "pot", "old"]
    assert [row["Status"] for row in rows] == ["active", "", "draft", "archived"]
    assert [row["Published"] for row in rows] == ["true", "", "false", "false"]
    assert (rows[0]["Option1 Name"], rows[0]["Option1 Value"], rows[0]["Variant SKU"]) == ("Size", "S", "7")
    assert (rows[0]["Variant Compare At Price"], rows[2]["Variant Compare At Price"]) == ("0.00", "")
    assert (rows[1]["Image Src"], rows[1]["Image Position"], rows[1]["Variant Price"]) == (
        "https://example.com/b.jpg",
        "2",
        "",
    )
    assert (rows[2]["Option1 Name"], rows[2]["Option1 Value"]) == ("Title", "Default Title")
    assert (rows[2]["Variant Inventory Tracker"], rows[2]["Variant Inventory Policy"]) == ("shopify", "continue")
    assert (rows[0]["Category Path"], rows[2]["Category Path"]) == ("-", "pots=Pots")


async def test_pages_follow_each_other_without_gap(make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await open_shop(make_bench)
    await shop.take_rows(*(row(handle=f"p-{n}", title=f"P {n}") for n in range(7)))
    whole = await shop.exported()
    for size in (1, 3, 7):
        monkeypatch.setattr(export_products, "PAGE", size)
        assert await shop.exported() == whole
    assert whole.count("\np-") == 7


async def test_an_empty_shop(make_bench: MakeBench) -> None:
    shop = await open_shop(make_bench)
    assert (await shop.exported()).strip().split(",") == HEADER


async def test_who_may(make_bench: MakeBench) -> None:
    shop = await open_shop(make_bench)
    with pytest.raises(Unauthenticated):
        await shop.module.run(shop.module.use_cases.export_products, ExportProducts(actor=ANONYMOUS))


async def test_a_category_taken_from_a_product_stays_away(make_bench: MakeBench) -> None:
    shop = await open_shop(make_bench)
    await shop.take_rows(row(type="Cups"))
    content = (await shop.exported()).replace("cups=Cups", "-")
    assert (await shop.take(content)).products == {"updated": 1}
    [product] = await shop.rows(tables.products)
    assert product.category_id is None


def test_addresses_of_our_own_pictures() -> None:
    spec = VariantSpec(price=Money(500, "CNY"), sku="A", image_url=f"{OURS}v.png")
    images = (Image(f"{OURS}a.png"), Image("https://example.com/b.png"))
    entry = CatalogueEntry("cup", ProductDetails(title="Cup"), (), (), (spec,), images)
    rows = [dict(zip(HEADER, cells, strict=True)) for cells in rows_of(entry, "https://shop.example/")]
    assert [row["Image Src"] for row in rows] == [f"https://shop.example{OURS}a.png", "https://example.com/b.png"]
    assert rows[0]["Variant Image"] == f"https://shop.example{OURS}v.png"
    assert next(rows_of(entry))[HEADER.index("Image Src")] == f"{OURS}a.png"


VISIBLE = st.characters(exclude_categories=["C", "Z"])
WRITTEN = st.characters(exclude_categories=["Cs", "Cc"])


def words(most: int, least: int = 0, also: str = " ,;\"'\n") -> st.SearchStrategy[str]:
    return (
        st.text(st.one_of(WRITTEN, st.sampled_from(also)), max_size=most)
        .map(str.strip)
        .filter(lambda text: len(text) >= least)
    )


BODIES = st.text(st.one_of(WRITTEN, st.sampled_from("\r\n\t\"',<>")), max_size=60)
URLS = st.integers(0, 9**9).map(lambda number: f'https://example.com/{number}.jpg?a=1,2&b="x"') | st.just(
    f"{OURS}a.png"
)
AMOUNTS = st.integers(0, MAX_AMOUNT).map(lambda amount: Money(amount, "CNY"))
CODES = st.text(st.one_of(VISIBLE, st.sampled_from("'0123456789 ")), max_size=20).map(str.strip).filter(bool)
TAGS = words(10, 1, also=' "').filter(lambda tag: "," not in tag)
TREE = [
    (),
    (CategoryName("men", "Men's > things"),),
    (CategoryName("men", "Men's > things"), CategoryName("shirts-2", 'Shirts, "large"')),
    (CategoryName("女装", "女装 = women"),),
]


@st.composite
def catalogues(draw: st.DrawFn) -> list[ProductDraft]:
    handles = draw(st.lists(words(20).map(slug_of).filter(bool), min_size=1, max_size=4, unique=True))
    skus = iter(draw(st.lists(CODES, min_size=40, max_size=40, unique=True)))
    return [_product(draw, handle, skus) for handle in handles]


def _product(draw: st.DrawFn, handle: str, skus: Any) -> ProductDraft:
    names = draw(st.lists(words(20, 1), max_size=3, unique=True).filter(lambda names: names != ["Title"]))
    values = draw(
        st.lists(st.tuples(*(words(20, 1) for _ in names)), min_size=1, max_size=4 if names else 1, unique=True)
    )
    details = ProductDetails(
        title=draw(words(40, 1).filter(search_key)),
        description=draw(BODIES),
        vendor=draw(words(20)),
        product_type=draw(words(20)),
        status=draw(st.sampled_from(list(Status))).value,
        tags=tuple(draw(st.lists(TAGS, max_size=3, unique=True))),
        seo_title=draw(words(20)),
        seo_description=draw(words(20)),
    )
    urls = draw(st.lists(URLS, max_size=5, unique=True))
    return ProductDraft(
        lines=(2,),
        handle=handle,
        given=frozenset(),
        details=details,
        category=draw(st.sampled_from(TREE)),
        category_said=True,
        option_names=tuple(names),
        variants=tuple(
            VariantDraft(number, _variant(draw, options, next(skus))) for number, options in enumerate(values, 3)
        ),
        images=tuple(ImageDraft(2, Image(url, draw(words(10))), None) for url in urls),
    )


def _variant(draw: st.DrawFn, options: tuple[str, ...], sku: str) -> VariantSpec:
    return VariantSpec(
        options=options,
        price=draw(AMOUNTS),
        sku=sku,
        compare_at_price=draw(st.none() | AMOUNTS),
        stock=draw(st.integers(0, MAX_STOCK)),
        weight_grams=draw(st.integers(0, MAX_STOCK)),
        barcode=draw(st.none() | CODES),
        taxable=draw(st.booleans()),
        requires_shipping=draw(st.booleans()),
        tracked=draw(st.booleans()),
        oversell=draw(st.booleans()),
        image_url=draw(st.none() | URLS),
    )


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(drafts=catalogues())
async def test_any_catalogue_goes_round(drafts: list[ProductDraft]) -> None:
    async with another_shop() as shop, another_shop() as other:
        totals = await shop.take_items(drafts)
        assert shop.refusals == []
        assert totals.products == {"created": len(drafts)}
        content = await shop.exported()
        totals = await other.take(content)
        assert other.refusals == []
        assert without_ids(await other.entries()) == without_ids(await shop.entries())
        assert await other.exported() == content
        again = await shop.take(content, set_stock=True)
        assert again.products == {"unchanged": len(drafts)}
