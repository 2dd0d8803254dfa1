"""What an import's transaction can do besides: many at a time."""

from collections.abc import Collection, Sequence
from typing import Protocol

from caddy_shopping.contexts.products.application.ports import ProductsTransaction
from caddy_shopping.contexts.products.domain.category import Category
from caddy_shopping.contexts.products.domain.product import Product


class Bulk(Protocol):
    """Few statements for many things; what they leave behind is what one at a time would."""

    async def add_products(self, products: Sequence[Product]) -> None:
        """Write new products, as `Catalogue.add` does; their events are published with the commit."""
        ...

    async def find_categories(self, slugs: Collection[str]) -> dict[str, Category]:
        """Those of `slugs` that exist."""
        ...


class ImportTransaction(ProductsTransaction, Protocol):
    bulk: Bulk
