"""Filters, sorts, pages, facets; what they cost; what search finds."""

from typing import Any

import msgspec
import pytest
from sqlalchemy.dialects import sqlite

from caddy_shopping.contexts.products.application.queries import ProductFilter, ProductQueries, Sort, StaffFilter
from caddy_shopping.contexts.products.application.views import FacetValue, ProductSummary
from caddy_shopping.contexts.products.domain.product import Image, Status
from caddy_shopping.contexts.products.infrastructure.listing import Listing
from caddy_shopping.contexts.products.infrastructure.search import (
    LikeSearch,
    NewestSearch,
    Search,
    TrigramSearch,
    search_for,
)
from caddy_shopping.contexts.products.infrastructure.views import SqlProductQueries
from caddy_shopping.contracts.products import ProductNotFound
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest, encode_cursor
from tests.contexts.products.conftest import Catalogue, a_variant, yuan
from tests.support.engine import only_sqlite
from tests.support.statements import counted

WHOLE = PageRequest()


async def titles(catalogue: Catalogue, limit: int = 100, **wanted: Any) -> list[str]:
    page = PageRequest(limit)
    return [each.title for each in (await catalogue.use_cases.queries.products(ProductFilter(**wanted), page)).items]


@pytest.fixture
async def shop(catalogue: Catalogue) -> Catalogue:
    """Twenty-four products with ties in price and title, in a category with another below."""
    top = await catalogue.category("Top")
    below = await catalogue.category("Below", top)
    for n in range(24):
        await catalogue.add(
            f"Thing {n % 5}",
            a_variant(100 * (n % 4), "S", stock=n % 2),
            a_variant(1000, "L" if n % 3 else "XL", stock=0),
            options=["Size"],
            category_id=(top, below)[n % 2].id,
            tags=("even",) if n % 2 == 0 else ("odd", "strange"),
            vendor=f"Vendor {n % 3}",
            product_type="Thing",
        )
    return catalogue


SORTED_BY: dict[Sort, Any] = {
    Sort.NEWEST: lambda each: -each.id.int,
    Sort.PRICE_ASC: lambda each: each.price.amount,
    Sort.PRICE_DESC: lambda each: -each.price.amount,
    Sort.TITLE: lambda each: each.title,
}
FILTERS: list[dict[str, Any]] = [
    {},
    {"category": "top"},
    {"tags": ("odd",)},
    {"options": ("Size:L", "Size:XL")},
    {"q": "thing"},
    {"min_price": 100, "max_price": 200},
]


@pytest.mark.parametrize("wanted", FILTERS)
async def test_paging_walks_every_row_once_in_every_order(shop: Catalogue, wanted: dict[str, Any]) -> None:
    for sort, key in SORTED_BY.items():
        whole = await walked(shop.use_cases.queries, ProductFilter(sort=sort, **wanted))
        assert len(whole) == {"tags": 12, "min_price": 12}.get(next(iter(wanted), ""), 24)
        assert len({each.id for each in whole}) == len(whole)
        assert whole == sorted(whole, key=key)
    assert set(SORTED_BY) == set(Sort)


async def test_what_is_found_without_an_index_of_words_comes_in_every_order(shop: Catalogue) -> None:
    listing = Listing(shop.bench.kit.database, NewestSearch())
    for sort, key in SORTED_BY.items():
        for tags, n in (((), 5), (("odd",), 3)):
            whole = await walked(listing, ProductFilter(sort=sort, q="thing 3", tags=tags))
            assert len(whole) == n
            assert whole == sorted(whole, key=key)


async def walked(queries: ProductQueries | Listing, wanted: ProductFilter) -> list[ProductSummary]:
    """What is found: in one piece, and the same in pages of five."""
    whole = (await queries.products(wanted, PageRequest(100))).items
    pages, page = list[ProductSummary](), PageRequest(5, total=True)
    while True:
        part = await queries.products(wanted, page)
        assert part.total == len(whole)
        pages += part.items
        if part.next_cursor is None:
            break
        page = PageRequest(5, part.next_cursor, total=True)
    assert pages == whole
    return whole


async def test_a_cursor_of_another_order_is_refused(shop: Catalogue) -> None:
    queries = shop.use_cases.queries
    page = await queries.products(ProductFilter(sort=Sort.TITLE), PageRequest(5))
    for sort in (Sort.NEWEST, Sort.PRICE_ASC, Sort.PRICE_DESC):
        with pytest.raises(CursorInvalid):
            await queries.products(ProductFilter(sort=sort), PageRequest(5, page.next_cursor))
    forged = encode_cursor((Sort.PRICE_ASC, "text", new_id()))
    with pytest.raises(CursorInvalid):
        await queries.products(ProductFilter(sort=Sort.PRICE_ASC), PageRequest(5, forged))


async def test_filters_hold_together(shop: Catalogue) -> None:
    async def count(**wanted: Any) -> int:
        return len(await titles(shop, **wanted))

    assert await count(tags=("odd",)) == await count(category="below") == 12
    assert await count(tags=("odd", "strange")) == 12
    assert await count(tags=("odd", "even")) == 0
    assert await count(tags=("odd",), vendor="Vendor 0") == 4
    assert await count(product_type="Thing", vendor="Vendor 1") == 8
    assert await count(options=("Size:XL",)) == 8
    assert await count(options=("Size:L", "Size:XL")) == 24
    assert await count(options=("Size:XL", "Colour:Red")) == 0
    assert await count(in_stock=True) == 12
    assert await count(in_stock=True, tags=("even",)) == 0
    assert await count(min_price=300) == 6
    assert await count(max_price=0, category="top") == 6
    assert await count(q="thing", tags=("odd",), sort=Sort.PRICE_DESC) == 12


async def test_facets_count_what_the_filters_leave(shop: Catalogue) -> None:
    facets = await shop.use_cases.queries.facets(ProductFilter())
    assert facets.categories == [FacetValue(value="top", count=24), FacetValue(value="below", count=12)]
    assert [(tag.value, tag.count) for tag in facets.tags] == [("even", 12), ("odd", 12), ("strange", 12)]
    assert facets.options["Size"] == [
        FacetValue(value="S", count=24),
        FacetValue(value="L", count=16),
        FacetValue(value="XL", count=8),
    ]
    assert (facets.min_price, facets.max_price) == (yuan(0), yuan(1000))
    assert facets.types == [FacetValue(value="Thing", count=24)]
    some = await shop.use_cases.queries.facets(ProductFilter(tags=("odd",), min_price=200, sort=Sort.PRICE_ASC))
    assert [(vendor.value, vendor.count) for vendor in some.vendors] == [
        ("Vendor 0", 2),
        ("Vendor 1", 2),
        ("Vendor 2", 2),
    ]
    none = await shop.use_cases.queries.facets(ProductFilter(tags=("nothing",)))
    assert (none.tags, none.min_price, none.options) == ([], None, {})


async def test_an_empty_list_has_a_total_of_none(catalogue: Catalogue) -> None:
    page = await catalogue.use_cases.queries.products(ProductFilter(), PageRequest(5, total=True))
    assert (page.items, page.total, page.next_cursor) == ([], 0, None)


async def test_a_product_as_its_page_shows_it(catalogue: Catalogue) -> None:
    top = await catalogue.category("Top")
    made = await catalogue.add(
        "Jumper",
        a_variant(200, "S", "Red", stock=0, compare_at_price=yuan(300)),
        a_variant(100, "S", "Blue", stock=4, image_url="https://a/b.jpg"),
        a_variant(100, "L", "Blue", stock=0, tracked=False),
        options=["Size", "Colour"],
        category_id=top.id,
        images=[Image("https://a/a.jpg", "front")],
        seo_description="Warm",
    )
    view = await catalogue.use_cases.queries.product("jumper")
    assert [(option.name, option.values) for option in view.options] == [
        ("Size", ["S", "L"]),
        ("Colour", ["Red", "Blue"]),
    ]
    assert [(v.available, v.in_stock) for v in view.variants] == [(0, False), (4, True), (None, True)]
    assert view.category is not None
    assert (view.category.slug, view.seo_title, view.seo_description) == ("top", "Jumper", "Warm")
    assert (view.price, view.max_price, view.in_stock, view.images) == (yuan(100), yuan(200), True, made.images)
    with pytest.raises(ProductNotFound):
        await catalogue.use_cases.queries.product("nothing")


async def test_staff_sees_drafts_by_status_category_and_words(catalogue: Catalogue) -> None:
    top = await catalogue.category("Top")
    below = await catalogue.category("Below", top)
    await catalogue.add("Draft 衬衫", status="draft", category_id=below.id)
    await catalogue.add("Active", category_id=top.id)
    await catalogue.add("Elsewhere", status="archived")
    queries = catalogue.use_cases.queries

    async def found(page: PageRequest = WHOLE, **wanted: Any) -> list[str]:
        return [each.title for each in (await queries.staff_products(StaffFilter(**wanted), page)).items]

    assert await found() == ["Elsewhere", "Active", "Draft 衬衫"]
    assert await found(status=Status.DRAFT) == await found(q="衬衫") == await found(q="draft") == ["Draft 衬衫"]
    assert await found(category_id=top.id) == ["Active", "Draft 衬衫"]
    assert await found(category_id=new_id()) == []
    first = await queries.staff_products(StaffFilter(), PageRequest(2, total=True))
    assert first.total == 3
    assert await found(PageRequest(2, first.next_cursor)) == ["Draft 衬衫"]


# Search


@pytest.fixture(params=[pytest.param("trigram", marks=only_sqlite("its trigram index")), "like"])
async def shelf(catalogue: Catalogue, request: pytest.FixtureRequest) -> Catalogue:
    """A few products, searched by either means; both must find the same."""
    await catalogue.add("纯棉衬衫 男士", vendor="优衣", description="<p>夏季<b>透气</b>面料</p>")
    await catalogue.add("羊毛衫", tags=("冬季",), description='<p>100% wool</p><p>"pure" (new)</p>')
    await catalogue.add(
        "Blue Shirt XL", a_variant(sku="BS-42/XL"), vendor="O'Neil & Co", description="caf&eacute; AND bar"
    )
    await catalogue.add("Snow_Boots 50%", description="don't slip; DROP TABLE products")
    queries = SqlProductQueries(catalogue.bench.kit.database)
    like = LikeSearch() if catalogue.bench.kit.database.dialect == "postgresql" else NewestSearch()
    search: Search = TrigramSearch() if request.param == "trigram" else like
    queries._search = search
    queries._listing = Listing(catalogue.bench.kit.database, search)
    msgspec.structs.force_setattr(catalogue.use_cases, "queries", queries)
    return catalogue


SHIRT, WOOL, BLUE, BOOTS = "纯棉衬衫 男士", "羊毛衫", "Blue Shirt XL", "Snow_Boots 50%"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("棉", {SHIRT}),
        ("衫", {SHIRT, WOOL}),
        ("衬衫", {SHIRT}),
        ("羊毛衫", {WOOL}),
        ("夏季透", {SHIRT}),
        ("透气面料", {SHIRT}),
        ("wool pure new", {WOOL}),
        ("季透", set()),
        ("面料", set()),
        ("衬衫 透气面料", {SHIRT}),
        ("羊毛 透气面料", set()),
        ("棉衬衫 男士", {SHIRT}),
        ("shirt", {BLUE}),
        ("ＳＨＩＲＴ", {BLUE}),
        ("hir", {BLUE}),
        ("xl", {BLUE}),
        ("blue xl", {BLUE}),
        ("bs-42/xl", {BLUE}),
        ("o'neil", {BLUE}),
        ("café", {BLUE}),
        ("wool pure", {WOOL}),
        ('"pure"', {WOOL}),
        ('wool"', set()),
        ("50%", {BOOTS}),
        ("0%", {BOOTS}),
        ("w_b", {BOOTS}),
        ("_", {BOOTS}),
        ("%", {BOOTS}),
        ("drop table", {BOOTS}),
        ("", {SHIRT, WOOL, BLUE, BOOTS}),
        ("   ", {SHIRT, WOOL, BLUE, BOOTS}),
        ("\u200b", {SHIRT, WOOL, BLUE, BOOTS}),
    ],
)
async def test_search_finds_latin_and_chinese_words(shelf: Catalogue, query: str, expected: set[str]) -> None:
    assert set(await titles(shelf, q=query)) == expected


@pytest.mark.parametrize(
    "query",
    ['"', '""', '"a', "abc AND", "NOT abc", "abc OR", "NEAR(abc def)", "body:abc", "abc*", "^abc", "(abc", "{abc}",
     "-abc", "+abc", "abc\x00def", "'; DROP TABLE products; --", "\\", "a" * 200, "🧦🧦🧦",
     "ab cd ef gh ij kl mn op qr st"],
)  # fmt: skip
async def test_no_query_breaks_search(shelf: Catalogue, query: str) -> None:
    assert await titles(shelf, q=query) == []


async def test_operators_are_words(catalogue: Catalogue) -> None:
    await catalogue.add("Salt and pepper")
    await catalogue.add("Salt")
    assert await titles(catalogue, q="salt AND pepper") == ["Salt and pepper"]
    assert await titles(catalogue, q="salt NOT pepper") == []


async def test_a_changed_product_is_found_by_its_new_words_alone(catalogue: Catalogue) -> None:
    from tests.contexts.products.application.test_editing import change

    product = await catalogue.add("Jumper", vendor="Northern")
    await change(catalogue, product, details={"title": "Pullover", "vendor": "Southern"})
    assert await titles(catalogue, q="jumper") == await titles(catalogue, q="northern") == []
    assert await titles(catalogue, q="pullover southern") == ["Pullover"]


def test_each_database_searches_by_its_own_means() -> None:
    assert isinstance(search_for("sqlite"), TrigramSearch)
    assert isinstance(search_for("postgresql"), LikeSearch)


# Cost


async def plan(catalogue: Catalogue, wanted: ProductFilter, page: PageRequest = WHOLE) -> str:
    """How SQLite would run the page."""
    statement = Listing(catalogue.bench.kit.database, TrigramSearch()).statement(wanted, page)
    return await explained(catalogue, statement)


async def explained(catalogue: Catalogue, statement: Any) -> str:
    dialect = sqlite.dialect()
    sql = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": False, "render_postcompile": True}))
    async with catalogue.bench.kit.database.read() as connection:
        count = sql.count("?")
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", tuple("x" for _ in range(count)))
        return "\n".join(str(row.detail) for row in rows)


@only_sqlite("how it plans a query")
@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("category", [None, "top"])
async def test_a_page_comes_out_of_an_index_in_order(shop: Catalogue, sort: Sort, category: str | None) -> None:
    wanted = ProductFilter(sort=sort, category=category, tags=("odd",) if category else ())
    first = await shop.use_cases.queries.products(wanted, PageRequest(3))
    for page in (PageRequest(), PageRequest(3, first.next_cursor)):
        how = await plan(shop, wanted, page)
        assert "SCAN" not in how
        assert "TEMP B-TREE" not in how


@only_sqlite("how it plans a query")
async def test_the_negative_control_of_the_plans(shop: Catalogue) -> None:
    async with shop.bench.kit.database.writer.begin() as connection:
        await connection.exec_driver_sql("DROP INDEX idx_products_price")
    assert "TEMP B-TREE" in await plan(shop, ProductFilter(sort=Sort.PRICE_ASC))


@only_sqlite("how it plans a query")
async def test_a_price_range_and_short_words_come_out_of_an_index(shop: Catalogue) -> None:
    how = await plan(shop, ProductFilter(sort=Sort.PRICE_ASC, min_price=1, max_price=100))
    assert "idx_products_price (is_active=? AND min_price_amount" in how
    how = await plan(shop, ProductFilter(q="衬衫"))
    assert "COVERING INDEX idx_products_title" in how
    how = await plan(shop, ProductFilter(q="shirts", sort=Sort.TITLE))
    assert "SCAN products" not in how
    assert "VIRTUAL TABLE INDEX" in how
    how = await plan(shop, ProductFilter(q="shirts xl", tags=("odd",)))
    assert how.startswith("SCAN product_texts_fts VIRTUAL TABLE INDEX")
    assert "TEMP B-TREE" not in how


async def test_reads_take_few_statements(shop: Catalogue) -> None:
    queries = shop.use_cases.queries
    everything = ProductFilter(category="top", tags=("odd",), q="thing", in_stock=True, sort=Sort.PRICE_DESC)
    variants = [variant.id for variant in (await queries.product("thing-1")).variants]
    with counted() as sent:
        await queries.products(everything, PageRequest(5, total=True))
        assert len(sent) == 1
        await queries.facets(everything)
        assert len(sent) == 2
        sent.clear()
        await queries.product("thing-1")
        assert len(sent) == 2
        sent.clear()
        await shop.service.get_variants(variant_ids=variants)
        assert len(sent) == 1
        assert await shop.service.get_variants(variant_ids=[]) == []
        assert len(sent) == 1


@only_sqlite("how it plans a query")
async def test_a_detail_comes_out_of_indexes(shop: Catalogue) -> None:
    with counted() as sent:
        await shop.use_cases.queries.product("thing-1")
        noted = list(sent)
    async with shop.bench.kit.database.read() as connection:
        for sql, parameters in noted:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", tuple(parameters))
            how = "\n".join(str(row.detail) for row in rows)
            assert "SCAN" not in how
            assert "TEMP B-TREE" not in how
