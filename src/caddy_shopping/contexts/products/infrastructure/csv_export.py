"""The catalogue as an export reads it: three statements for a page."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from caddy_shopping.contexts.products.domain.category import ids_of
from caddy_shopping.contexts.products.domain.product_draft import CatalogueEntry, CategoryName
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec
from caddy_shopping.contexts.products.infrastructure.tables import categories, products, variants
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.engine import Database


class SqlExportQueries:
    """See `application.export_products.ExportQueries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def entries(self, after: UUID | None, limit: int) -> list[tuple[UUID, CatalogueEntry]]:
        page = select(products).order_by(products.c.id).limit(limit)
        if after is not None:
            page = page.where(products.c.id > after)
        async with self._database.read() as connection:
            found = (await connection.execute(page)).all()
            ids = [row.id for row in found]
            offered = await connection.execute(
                select(variants)
                .where(variants.c.product_id.in_(ids), ~variants.c.archived)
                .order_by(variants.c.product_id, variants.c.position)
            )
            by_product: dict[UUID, list[VariantSpec]] = {product_id: [] for product_id in ids}
            for row in offered:
                by_product[row.product_id].append(_variant(row))
            # A shop has some hundred categories: fewer than a page has products.
            tree = {row.id: row for row in await connection.execute(select(categories))} if ids else {}
        return [(row.id, _entry(row, by_product[row.id], tree)) for row in found]


def _entry(row: Any, offered: list[VariantSpec], tree: dict[UUID, Any]) -> CatalogueEntry:
    details = ProductDetails(
        title=row.title,
        description=row.description,
        vendor=row.vendor,
        product_type=row.product_type,
        status=row.status,
        tags=tuple(row.tags),
        seo_title=row.seo_title,
        seo_description=row.seo_description,
    )
    chain = reversed(ids_of(tree[row.category_id].path)) if row.category_id else ()
    category = tuple(CategoryName(tree[step].slug, tree[step].name) for step in chain)
    return CatalogueEntry(row.slug, details, category, tuple(row.options), tuple(offered), tuple(row.images))


def _variant(row: Any) -> VariantSpec:
    return VariantSpec(
        id=row.id,
        options=tuple(row.options),
        price=Money(row.price_amount, row.currency),
        sku=row.sku,
        compare_at_price=None if row.compare_at_amount is None else Money(row.compare_at_amount, row.currency),
        stock=row.stock,
        weight_grams=row.weight_grams,
        barcode=row.barcode,
        taxable=row.taxable,
        requires_shipping=row.requires_shipping,
        tracked=row.tracked,
        oversell=row.oversell,
        image_url=row.image_url,
    )
