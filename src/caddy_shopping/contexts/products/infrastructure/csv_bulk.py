"""Many new products in few statements: an import's transaction.

The objects are written by multi-row inserts rather than by the session, which costs about a third of
the import's time; labels, search texts, stock ledger and events are made by the same code as ever.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from caddy_shopping.contexts.products.application.import_ports import Bulk
from caddy_shopping.contexts.products.domain.category import Category
from caddy_shopping.contexts.products.domain.product import Product
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.infrastructure.labels import refresh
from caddy_shopping.contexts.products.infrastructure.repositories import SqlProductsTransaction
from caddy_shopping.platform.db.lines import Writing


class SqlImportTransaction(SqlProductsTransaction):
    def __init__(self, writing: Writing) -> None:
        super().__init__(writing)
        self.bulk: Bulk = SqlBulk(self)


class SqlBulk:
    """See `application.import_ports.Bulk`."""

    def __init__(self, tx: SqlProductsTransaction) -> None:
        self._tx = tx

    async def add_products(self, products: Sequence[Product]) -> None:
        for product in products:
            self._tx.track(product)
        await self._tx.session.run_sync(_insert, products)

    async def find_categories(self, slugs: Collection[str]) -> dict[str, Category]:
        found = await self._tx.session.scalars(select(Category).where(tables.categories.c.slug.in_(slugs)))
        return {category.slug: self._tx.track(category) for category in found}


def _insert(session: Session, products: Sequence[Product]) -> None:
    connection = session.connection()
    variants = [(product.id, variant) for product in products for variant in product.variants]
    connection.execute(insert(tables.products), [_row(product, _PRODUCT) | {"in_stock": False} for product in products])
    connection.execute(
        insert(tables.variants),
        [_row(variant, _VARIANT) | {"product_id": product_id} for product_id, variant in variants],
    )
    refresh(connection, products, [], {variant for _, variant in variants})


def _columns(table: Table, *others: str) -> list[str]:
    return [column.name for column in table.columns if column.name not in others]


_PRODUCT = _columns(tables.products, "in_stock")
_VARIANT = _columns(tables.variants, "product_id")


def _row(item: object, columns: list[str]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in columns}
