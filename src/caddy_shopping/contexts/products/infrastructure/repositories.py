"""Products and categories of one transaction."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from caddy_shopping.contexts.products.application.freshness import CATALOGUE
from caddy_shopping.contexts.products.domain.category import Categories, Category
from caddy_shopping.contexts.products.domain.errors import CategoryInUse, CategoryNotFound
from caddy_shopping.contexts.products.domain.product import Catalogue, Product, Variant
from caddy_shopping.contexts.products.domain.stock import Stock
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.infrastructure.labels import below, refresh, relabel_below
from caddy_shopping.contexts.products.infrastructure.stock import SqlStock
from caddy_shopping.contracts.products import ProductNotFound
from caddy_shopping.kernel.events import Aggregate
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.lines import Writing
from caddy_shopping.platform.db.unit_of_work import SqlTransaction

A = TypeVar("A", bound=Aggregate)


class SqlProductsTransaction(SqlTransaction):
    def __init__(self, writing: Writing) -> None:
        super().__init__(writing)
        self.products: Catalogue = SqlCatalogue(self)
        self.categories: Categories = SqlCategories(self)
        self.stock: Stock = SqlStock(self)

    def track(self, aggregate: A) -> A:
        """Also whoever shows the catalogue has to look again."""
        self.stale.add(CATALOGUE)
        return super().track(aggregate)


class SqlCatalogue:
    """See `domain.product.Catalogue`. Whatever is flushed is labelled and searchable by the same commit."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx
        self._watched = False

    async def get(self, product_id: UUID) -> Product:
        self._watch()
        product = await self._tx.load(Product, product_id)
        if product is None:
            raise ProductNotFound()
        return product

    async def find_by_slugs(self, slugs: Sequence[str]) -> dict[str, Product]:
        self._watch()
        found = await self._tx.session.scalars(select(Product).where(tables.products.c.slug.in_(slugs)))
        return {product.slug: self._tx.track(product) for product in found}

    def add(self, product: Product) -> None:
        self._watch()
        self._tx.session.add(self._tx.track(product))

    async def free_slug(self, wanted: str) -> str:
        if not wanted:
            return f"p-{new_id().hex[-12:]}"
        candidates = [wanted, *(f"{wanted}-{n}" for n in range(2, 10))]
        slug = tables.products.c.slug
        taken = set(await self._tx.session.scalars(select(slug).where(slug.in_(candidates))))
        return next((free for free in candidates if free not in taken), f"{wanted}-{new_id().hex[-12:]}")

    async def taken_skus(self, skus: Sequence[str], product_id: UUID | None = None) -> set[str]:
        variants = tables.variants.c
        statement = select(variants.sku).where(variants.sku.in_(skus))
        if product_id is not None:
            statement = statement.where(variants.product_id != product_id)
        return set(await self._tx.session.scalars(statement))

    def _watch(self) -> None:
        if not self._watched:
            event.listen(self._tx.session.sync_session, "after_flush", _after_flush)
            self._watched = True


def _after_flush(session: Session, _context: Any) -> None:
    new = [item for item in session.new if isinstance(item, Product)]
    changed = [item for item in session.dirty if isinstance(item, Product)]
    if new or changed:
        added = {item for item in session.new if isinstance(item, Variant)}
        refresh(session.connection(), new, changed, added)


class SqlCategories:
    """See `domain.category.Categories`."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, category_id: UUID) -> Category:
        category = await self._tx.load(Category, category_id)
        if category is None:
            raise CategoryNotFound()
        return category

    async def find_by_slug(self, slug: str) -> Category | None:
        found = await self._tx.session.scalars(select(Category).where(tables.categories.c.slug == slug))
        category = found.first()
        return None if category is None else self._tx.track(category)

    def add(self, category: Category) -> None:
        self._tx.session.add(self._tx.track(category))

    async def remove(self, category: Category) -> None:
        session, categories, products = self._tx.session, tables.categories.c, tables.products.c
        child = select(categories.id).where(categories.parent_id == category.id).limit(1)
        product = select(products.id).where(products.category_id == category.id).limit(1)
        if await session.scalar(child) is not None or await session.scalar(product) is not None:
            raise CategoryInUse()
        await session.delete(category)

    async def deepest_below(self, path: str) -> int:
        longest = await self._tx.session.scalar(
            select(func.max(func.length(tables.categories.c.path))).where(below(path))
        )
        return ((longest or len(path)) - len(path)) // _STEP + 1

    async def moved(self, category: Category, old_path: str) -> None:
        session, path = self._tx.session, tables.categories.c.path
        await session.flush()
        if category.path != old_path:
            await session.execute(
                update(tables.categories)
                .where(below(old_path))
                .values(path=category.path + func.substr(path, len(old_path) + 1))
                .execution_options(synchronize_session=False)
            )
        for statement in relabel_below(category.path):
            await session.execute(statement)


_STEP = 33
"""Length of one id and its slash in a path."""
