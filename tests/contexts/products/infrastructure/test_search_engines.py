"""Every database finds the same by its own means: what SQLite finds is the measure."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from structlog.testing import capture_logs

from caddy_shopping.contexts.products.application.queries import ProductFilter, Sort
from caddy_shopping.contexts.products.infrastructure import search, tables
from caddy_shopping.contexts.products.infrastructure.search import LikeSearch, NewestSearch, TrigramSearch, search_for
from caddy_shopping.contexts.products.module import build, schema
from caddy_shopping.contexts.products.settings import ProductsSettings
from caddy_shopping.kernel.paging import PageRequest
from caddy_shopping.platform.db import migrate
from caddy_shopping.platform.db.engine import Database, open_database
from tests.contexts.products.conftest import Catalogue, a_variant
from tests.support.clock import FakeClock
from tests.support.database import Bench, make_kit
from tests.support.engines import engine_database, engine_url
from tests.support.fakes.orders import FakeOrders

__all__ = ["engine_database", "engine_url"]

LATIN = [
    "shirt", "ＳＨＩＲＴ", "hir", "xl", "blue xl", "bs-42/xl", "o'neil", "CAFÉ", "cafe", "wool pure", "straße",
    "STRASSE", "İstanbul", "ﬁne", "a", "s", "shi rt", "blue blue", "wool blue",
]  # fmt: skip
CHINESE = [
    "棉", "衫", "衬衫", "羊毛衫", "夏季透", "透气面料", "季透", "面料", "衬衫 透气面料", "羊毛 透气面料", "棉衬衫 男士",
    "男", "棉衬衫　男士", "纯棉shirt", "が", "ガーゼ", "가디건",
]  # fmt: skip
SPECIAL = [
    "", "   ", "%", "%%%", "___", "_", "w_b", "50%", "0%", "100% wool", '"pure"', 'wool"', '"', "'", "''", "\\",
    "\\\\", "a\\b", "a\\bc", "*", "abc*", "^abc", "(new)", "{abc}", "-abc", "+abc", "abc AND", "NEAR(abc def)",
    "body:abc", "/", "//", "/xl", "abc\x00def", "\x00", "wool\x00pure", "'; DROP TABLE products; --", "drop table",
    "🧦", "🧦🧦🧦", "🧦 socks", "socks", "so\u200bcks", "\u200b", "\ufeff", "\ud800abc", "a" * 200, "羊" * 10_000,
    "🧦" * 5_000, "ab cd ef gh ij kl mn op qr st", "?", ":name", "%s", "%(x)s", "$1", "{}", "\n", "e\u0301",
]  # fmt: skip


async def a_catalogue(database: Database, folder: Path) -> Catalogue:
    await migrate.upgrade(database, schema)
    clock, orders = FakeClock(), FakeOrders()
    kit = make_kit("products", database, tables.platform_tables, clock, [])
    return Catalogue(Bench(kit, clock), build(kit, ProductsSettings(media_folder=folder), orders), orders)


async def stock_up(catalogue: Catalogue) -> None:
    await catalogue.add("纯棉衬衫 男士", vendor="优衣", description="<p>夏季<b>透气</b>面料</p>")
    await catalogue.add("羊毛衫", tags=("冬季",), description='<p>100% wool</p><p>"pure" (new)</p>')
    await catalogue.add(
        "Blue Shirt XL", a_variant(sku="BS-42/XL"), vendor="O'Neil & Co", description="caf&eacute; AND bar a\\bc"
    )
    await catalogue.add("Snow_Boots 50%", description="don't slip; DROP TABLE products")
    await catalogue.add("Wool socks 🧦🧦🧦", description="Straße nach İstanbul, ﬁne :name %s $1")
    await catalogue.add("纯棉Shirt ガーゼ 가디건", product_type="衬衫", description="___ %%% // \\\\ ''")
    await catalogue.add("Hidden shirt 衬衫", status="draft")


async def found(catalogue: Catalogue, query: str, sort: Sort = Sort.NEWEST) -> list[str]:
    """Slugs page by page, so that cursors are part of what is compared."""
    slugs, page = [], PageRequest(2)
    while True:
        part = await catalogue.use_cases.queries.products(ProductFilter(q=query, sort=sort), page)
        slugs += [each.slug for each in part.items]
        if part.next_cursor is None:
            return slugs
        page = PageRequest(2, part.next_cursor)


@pytest.fixture
async def measure(tmp_path: Path) -> AsyncIterator[Catalogue]:
    database = open_database(f"sqlite:///{tmp_path}/measure.db")
    catalogue = await a_catalogue(database, tmp_path)
    await stock_up(catalogue)
    yield catalogue
    await database.close()


async def test_every_engine_finds_what_sqlite_finds(
    engine_database: Database, measure: Catalogue, tmp_path: Path
) -> None:
    catalogue = await a_catalogue(engine_database, tmp_path)
    await stock_up(catalogue)
    differing, hits = {}, 0
    for query in [*LATIN, *CHINESE, *SPECIAL]:
        for sort in (Sort.NEWEST, Sort.PRICE_ASC):
            expected, got = await found(measure, query, sort), await found(catalogue, query, sort)
            hits += len(expected)
            if sorted(got) != sorted(expected) or (sort is Sort.NEWEST and got != expected):
                differing[query] = (got, expected)
    assert differing == {}
    assert hits > 100, "negative control: the queries find something to compare"


async def test_words_are_told_apart_as_on_sqlite(engine_database: Database, tmp_path: Path) -> None:
    """Negative control of the comparison: with wildcards unescaped, or case counted, it would have gone red."""
    catalogue = await a_catalogue(engine_database, tmp_path)
    for query in ("s_irt", "sh%t", "SHIRT\\", "caff"):
        assert await found(catalogue, query) == []
    assert await found(catalogue, "shirt") == await found(catalogue, "SHIRT") != []


async def test_each_searches_by_what_it_has(engine_database: Database) -> None:
    ways = {"sqlite": TrigramSearch, "postgresql": LikeSearch, "mariadb": NewestSearch, "mysql": NewestSearch}
    assert type(search_for(engine_database.dialect)) is ways[engine_database.dialect]
    if engine_database.dialect == "postgresql":
        async with engine_database.read() as connection:
            await connection.execute(text("SET enable_seqscan = off"))
            rows = await connection.execute(text("EXPLAIN SELECT 1 FROM product_texts WHERE body LIKE '%透气面料%'"))
            assert "idx_product_texts_trigrams" in "\n".join(rows.scalars())


async def test_the_limit_counts_products_from_the_newest(
    engine_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = await a_catalogue(engine_database, tmp_path)
    before = await found(catalogue, "shirt")
    monkeypatch.setattr(search, "MAX_TEXTS", 1)
    limited = engine_database.dialect in ("mariadb", "mysql")
    assert await found(catalogue, "shirt") == (before[:1] if limited else before)
    assert len(before) > 1


async def test_without_the_extension_search_is_slower_and_as_right(
    engine_url: str, engine_database: Database, tmp_path: Path
) -> None:
    if engine_database.dialect != "postgresql":
        return
    for statement in (
        "DROP EXTENSION pg_trgm CASCADE",
        "CREATE ROLE plain LOGIN",
        "CREATE SCHEMA AUTHORIZATION plain",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    ):
        async with engine_database.writer.begin() as connection:
            await connection.execute(text(statement))
    database = open_database(make_url(engine_url).set(username="plain").render_as_string())
    with capture_logs() as logs:
        catalogue = await a_catalogue(database, tmp_path)
    assert [(log["event"], log["log_level"]) for log in logs] == [("products.search-without-index", "warning")]
    assert "CREATE EXTENSION pg_trgm" in logs[0]["remedy"]
    await stock_up(catalogue)
    assert await found(catalogue, "透气面料") == ["纯棉衬衫-男士"]
    await migrate.downgrade(database, schema)
    await database.close()
