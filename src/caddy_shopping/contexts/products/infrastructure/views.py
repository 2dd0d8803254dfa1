"""The reads of the catalogue, straight into what is answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, func, select

from caddy_shopping.contexts.products.application.queries import ProductFilter, StaffFilter
from caddy_shopping.contexts.products.application.views import (
    CategoryNode,
    CategoryRef,
    CategoryView,
    Facets,
    MovementView,
    OptionView,
    ProductSummary,
    ProductView,
    StaffProduct,
    StaffProductSummary,
    StaffVariant,
    VariantDetail,
)
from caddy_shopping.contexts.products.domain.errors import CategoryNotFound
from caddy_shopping.contexts.products.domain.stock import State
from caddy_shopping.contexts.products.infrastructure.labels import below
from caddy_shopping.contexts.products.infrastructure.listing import COLUMNS, Listing, summary
from caddy_shopping.contexts.products.infrastructure.search import search_for
from caddy_shopping.contexts.products.infrastructure.tables import (
    categories,
    movements,
    products,
    reserved,
    variants,
)
from caddy_shopping.contexts.products.infrastructure.variant_rows import variant_view
from caddy_shopping.contracts.products import ProductNotFound, VariantNotFound, VariantView
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.paging import PageRequest, Slice
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.prepared import Prepared

_p, _v, _c = products.c, variants.c, categories.c


class SqlProductQueries:
    """See `application.queries.ProductQueries`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._search = search_for(database.dialect)
        self._listing = Listing(database, self._search)

    async def products(self, wanted: ProductFilter, page: PageRequest) -> Slice[ProductSummary]:
        return await self._listing.products(wanted, page)

    async def facets(self, wanted: ProductFilter) -> Facets:
        return await self._listing.facets(wanted)

    async def product(self, slug: str) -> ProductView:
        async with self._database.glance() as glance:
            row = (await glance.run(_DETAIL, {"slug": slug})).first()
            if row is None:
                raise ProductNotFound()
            offered = await glance.run(_OFFERED, {"product": row.id})
        return _detail(row, [_variant_detail(each) for each in offered])

    async def categories(self) -> list[CategoryNode]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(categories).order_by(_c.position, _c.name))).all()
        nodes = {row.id: _node(row) for row in rows}
        for row in rows:
            if row.parent_id is not None:
                nodes[row.parent_id].children.append(nodes[row.id])
        return [nodes[row.id] for row in rows if row.parent_id is None]

    async def category(self, category_id: UUID) -> CategoryView:
        columns = _c.id, _c.slug, _c.name, _c.parent_id, _c.position, _c.version
        async with self._database.glance() as connection:
            row = (await connection.execute(select(*columns).where(_c.id == category_id))).first()
        if row is None:
            raise CategoryNotFound()
        return CategoryView(**row._mapping)

    async def staff_products(self, wanted: StaffFilter, page: PageRequest) -> Slice[StaffProductSummary]:
        statement = self._staff_statement(wanted, page)
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        total = (rows[0].total if rows else 0) if page.total else None
        cut = Slice.cut(rows, page, lambda row: row.id, total)
        return Slice([_staff_summary(row) for row in cut.items], cut.next_cursor, cut.total)

    async def staff_product(self, product_id: UUID) -> StaffProduct:
        async with self._database.glance() as connection:
            row = (await connection.execute(select(products).where(_p.id == product_id))).first()
            if row is None:
                raise ProductNotFound()
            statement = select(variants).where(_v.product_id == product_id).order_by(_v.archived, _v.position)
            found = (await connection.execute(statement)).all()
        fields = {name: getattr(row, name) for name in StaffProduct.__struct_fields__ if name != "variants"}
        return StaffProduct(**fields, variants=[_staff_variant(each) for each in found])

    async def movements(self, variant_id: UUID, page: PageRequest) -> Slice[MovementView]:
        last = page.after(UUID)
        statement = select(movements).where(movements.c.variant_id == variant_id)
        if last is not None:
            statement = statement.where(movements.c.id < last)
        async with self._database.read() as connection:
            if (await connection.execute(select(_v.id).where(_v.id == variant_id))).first() is None:
                raise VariantNotFound()
            rows = (await connection.execute(statement.order_by(movements.c.id.desc()).limit(page.limit + 1))).all()
        return Slice.cut([MovementView(**row._mapping) for row in rows], page, lambda view: view.id)

    async def variants(self, variant_ids: list[UUID]) -> list[VariantView]:
        async with self._database.glance() as glance:
            return [variant_view(row) for row in await glance.run(_VARIANTS, {"variants": variant_ids})]

    async def overdue(self, now: datetime, limit: int) -> list[UUID]:
        held = reserved.c
        statement = (
            select(held.order_id)
            .where(held.state == State.HELD, held.expires_at < now, held.position == 0)
            .order_by(held.expires_at)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return list((await connection.execute(statement)).scalars())

    def _staff_statement(self, wanted: StaffFilter, page: PageRequest) -> Select[Any]:
        conditions = self._search.conditions(wanted.q or "", active_only=False)
        if wanted.status is not None:
            conditions.append(_p.status == wanted.status)
        if wanted.category_id is not None:
            path = select(_c.path).where(_c.id == wanted.category_id).scalar_subquery()
            conditions.append(_p.category_id.in_(select(_c.id).where(below(path))))
        columns: list[Any] = [*COLUMNS, _p.status, _p.category_id, _p.updated_at, _p.version]
        if page.total:
            columns.append(
                select(func.count(_p.id)).where(*conditions).correlate(None).scalar_subquery().label("total")
            )
        last = page.after(UUID)
        if last is not None:
            conditions.append(_p.id < last)
        return select(*columns).where(*conditions).order_by(_p.id.desc()).limit(page.limit + 1)


_DETAIL = Prepared(
    select(products, _c.slug.label("category_slug"), _c.name.label("category_name"))
    .outerjoin(categories, _c.id == _p.category_id)
    .where(_p.slug == bindparam("slug"), _p.is_active)
)
_OFFERED = Prepared(
    select(variants).where(_v.product_id == bindparam("product"), ~_v.archived).order_by(_v.archived, _v.position)
)
_VARIANTS = Prepared(
    select(
        variants,
        _p.slug,
        _p.title,
        _p.is_active,
        _p.image_url.label("product_image_url"),
        _c.path,
    )
    .join(products, _p.id == _v.product_id)
    .outerjoin(categories, _c.id == _p.category_id)
    .where(_v.id.in_(bindparam("variants", expanding=True)))
)


def _detail(row: Any, offered: list[VariantDetail]) -> ProductView:
    values = zip(*(variant.options for variant in offered), strict=True)
    options = [
        OptionView(name=name, values=list(dict.fromkeys(each))) for name, each in zip(row.options, values, strict=False)
    ]
    return ProductView(
        id=row.id,
        slug=row.slug,
        title=row.title,
        description=row.description,
        vendor=row.vendor,
        product_type=row.product_type,
        category=_category(row),
        tags=row.tags,
        options=options,
        variants=offered,
        images=row.images,
        price=Money(row.min_price_amount, row.currency),
        max_price=Money(row.max_price_amount, row.currency),
        in_stock=any(variant.in_stock for variant in offered),
        seo_title=row.seo_title or row.title,
        seo_description=row.seo_description,
    )


def _category(row: Any) -> CategoryRef | None:
    if row.category_id is None:
        return None
    return CategoryRef(id=row.category_id, slug=row.category_slug, name=row.category_name)


def _node(row: Any) -> CategoryNode:
    return CategoryNode(id=row.id, slug=row.slug, name=row.name, position=row.position, children=[])


def _variant_detail(row: Any) -> VariantDetail:
    limited = row.tracked and not row.oversell
    return VariantDetail(
        id=row.id,
        sku=row.sku,
        options=row.options,
        price=Money(row.price_amount, row.currency),
        compare_at_price=_money(row.compare_at_amount, row.currency),
        available=row.stock if limited else None,
        in_stock=not limited or row.stock > 0,
        weight_grams=row.weight_grams,
        barcode=row.barcode,
        requires_shipping=row.requires_shipping,
        taxable=row.taxable,
        image_url=row.image_url,
    )


def _staff_summary(row: Any) -> StaffProductSummary:
    return StaffProductSummary(
        **msgspec.structs.asdict(summary(row)),
        status=row.status,
        category_id=row.category_id,
        updated_at=row.updated_at,
        version=row.version,
    )


def _staff_variant(row: Any) -> StaffVariant:
    own = {name: getattr(row, name) for name in StaffVariant.__struct_fields__ if "price" not in name}
    price, before = Money(row.price_amount, row.currency), _money(row.compare_at_amount, row.currency)
    return StaffVariant(**own, price=price, compare_at_price=before)


def _money(amount: int | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)
