"""The public reads of the catalogue, through the cache.

What is bought is never read here: `variants`, which prices carts and orders, always asks the database.
"""

from hashlib import blake2b
from typing import Any, TypeVar

from caddy_shopping.contexts.products.application.freshness import CATALOGUE, LISTS, stock_of
from caddy_shopping.contexts.products.application.queries import ProductFilter
from caddy_shopping.contexts.products.application.views import CategoryNode, Facets, ProductSummary, ProductView
from caddy_shopping.contexts.products.infrastructure.views import SqlProductQueries
from caddy_shopping.contracts.products import ProductNotFound
from caddy_shopping.kernel.paging import PageRequest, Slice
from caddy_shopping.platform.cache.cache import Cache, Lifetime, Loaded
from caddy_shopping.platform.db.engine import Database

T = TypeVar("T")
USUAL = Lifetime()
LONG = Lifetime(memory=300)
RARE = Lifetime(memory=10, shared=60)
"""Words and later pages are so many that most are asked for once."""
_LISTED = frozenset((CATALOGUE, LISTS))


class CachedProductQueries(SqlProductQueries):
    """See `application.queries.ProductQueries`."""

    def __init__(self, database: Database, cache: Cache) -> None:
        super().__init__(database)
        self._cache = cache

    async def products(self, wanted: ProductFilter, page: PageRequest) -> Slice[ProductSummary]:
        async def load() -> Loaded[Slice[ProductSummary]]:
            return Loaded(await super(CachedProductQueries, self).products(wanted, page), _LISTED)

        lifetime = USUAL if wanted.q is None and page.cursor is None else RARE
        found = await self._cache.get(_key("list", wanted, page), Slice[ProductSummary], load, lifetime)
        return _there(found)

    async def facets(self, wanted: ProductFilter) -> Facets:
        async def load() -> Loaded[Facets]:
            return Loaded(await super(CachedProductQueries, self).facets(wanted), _LISTED)

        lifetime = USUAL if wanted.q is None else RARE
        return _there(await self._cache.get(_key("facets", wanted), Facets, load, lifetime))

    async def product(self, slug: str) -> ProductView:
        async def load() -> Loaded[ProductView]:
            try:
                found = await super(CachedProductQueries, self).product(slug)
            except ProductNotFound:
                return Loaded(None, frozenset((CATALOGUE,)))
            return Loaded(found, frozenset((CATALOGUE, *(stock_of(each.id) for each in found.variants))))

        product: ProductView | None = await self._cache.get(_key("detail", slug), ProductView, load, USUAL)
        if product is None:
            raise ProductNotFound()
        return product

    async def categories(self) -> list[CategoryNode]:
        async def load() -> Loaded[list[CategoryNode]]:
            return Loaded(await super(CachedProductQueries, self).categories(), frozenset((CATALOGUE,)))

        return _there(await self._cache.get(_key("categories"), list[CategoryNode], load, LONG))


def _key(what: str, *asked: Any) -> str:
    """Short and of harmless characters, whatever was asked: words may hold half a surrogate pair."""
    return f"products.{what}.{blake2b(repr(asked).encode(), digest_size=16).hexdigest()}"


def _there(found: T | None) -> T:
    """Lists are there, be they empty."""
    if found is None:
        raise AssertionError("a list is never stored as nothing")
    return found
