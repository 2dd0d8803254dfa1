"""What most visitors look at first is looked at before they come."""

import msgspec

from caddy_shopping.contexts.products.application.queries import ProductFilter, ProductQueries, Sort
from caddy_shopping.contracts.products import ProductNotFound
from caddy_shopping.kernel.paging import PageRequest


class WarmCatalogue(msgspec.Struct, frozen=True):
    """Reads through the cache, and so fills it where nobody did yet."""

    queries: ProductQueries

    async def __call__(self) -> int:
        """The categories, the first page in each order, and each product on them; the number of products."""
        await self.queries.categories()
        slugs = dict[str, None]()
        for sort in Sort:
            page = await self.queries.products(ProductFilter(sort=sort), PageRequest())
            slugs.update(dict.fromkeys(item.slug for item in page.items))
        for slug in slugs:
            try:
                await self.queries.product(slug)
            except ProductNotFound:
                continue  # archived since the list was read
        return len(slugs)
