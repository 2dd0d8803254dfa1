"""Reads that only staff may make."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.application.ports import MANAGE
from caddy_shopping.contexts.products.application.queries import ProductQueries, StaffFilter
from caddy_shopping.contexts.products.application.views import (
    CategoryView,
    MovementView,
    StaffProduct,
    StaffProductSummary,
)
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.paging import PageRequest, Slice


class StaffReads(msgspec.Struct, frozen=True):
    """The staff's side of `ProductQueries`; each takes the permission to manage products."""

    queries: ProductQueries

    async def products(self, actor: Actor, wanted: StaffFilter, page: PageRequest) -> Slice[StaffProductSummary]:
        actor.require(MANAGE)
        return await self.queries.staff_products(wanted, page)

    async def product(self, actor: Actor, product_id: UUID) -> StaffProduct:
        actor.require(MANAGE)
        return await self.queries.staff_product(product_id)

    async def category(self, actor: Actor, category_id: UUID) -> CategoryView:
        actor.require(MANAGE)
        return await self.queries.category(category_id)

    async def movements(self, actor: Actor, variant_id: UUID, page: PageRequest) -> Slice[MovementView]:
        actor.require(MANAGE)
        return await self.queries.movements(variant_id, page)
