"""The products context on a scratch database, and a few hands to fill it with."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, func, select

from caddy_shopping.contexts.products.application.create_product import CreateProduct
from caddy_shopping.contexts.products.application.edit_categories import CreateCategory
from caddy_shopping.contexts.products.application.use_cases import UseCases
from caddy_shopping.contexts.products.application.views import CategoryView, StaffProduct
from caddy_shopping.contexts.products.domain.product import Image
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.interface.service import ProductsService
from caddy_shopping.contexts.products.module import build
from caddy_shopping.contexts.products.settings import ProductsSettings
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Module
from tests.support.database import Bench
from tests.support.fakes.orders import FakeOrders

STAFF = Actor(Role.STAFF, id=new_id(), permissions=frozenset({"products:manage"}))
SHOPPER = Actor(Role.CUSTOMER, id=new_id())


def yuan(amount: int) -> Money:
    return Money(amount, "CNY")


def a_variant(price: int = 9900, *options: str, stock: int = 5, **more: Any) -> VariantSpec:
    return VariantSpec(price=yuan(price), options=options, stock=stock, **more)


@dataclass
class Catalogue:
    """Everything a test of this context needs in its hands."""

    bench: Bench
    module: Module
    orders: FakeOrders

    @property
    def use_cases(self) -> UseCases:
        use_cases: UseCases = self.module.use_cases
        return use_cases

    @property
    def service(self) -> ProductsService:
        service = self.module.service
        assert isinstance(service, ProductsService)
        return service

    @property
    def run(self) -> Executor:
        return self.module.run

    async def add(
        self,
        title: str = "Wool jumper",
        *variants: VariantSpec,
        options: Sequence[str] = (),
        status: str = "active",
        images: Sequence[Image] = (),
        slug: str | None = None,
        **details: Any,
    ) -> StaffProduct:
        """A product of one variant at 99.00 with 5 in stock, unless said otherwise."""
        command = CreateProduct(
            actor=STAFF,
            details=ProductDetails(title=title, status=status, **details),
            variants=variants or (a_variant(),),
            options=tuple(options),
            images=tuple(images),
            slug=slug,
        )
        return await self.run(self.use_cases.create_product, command)

    async def category(self, name: str, parent: CategoryView | None = None, **more: Any) -> CategoryView:
        command = CreateCategory(actor=STAFF, name=name, parent_id=None if parent is None else parent.id, **more)
        return await self.run(self.use_cases.create_category, command)

    async def rows(self, table: Table) -> list[Any]:
        async with self.bench.kit.database.read() as connection:
            return list((await connection.execute(select(table))).all())

    async def count(self, table: Table) -> int:
        async with self.bench.kit.database.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())

    async def books(self, variant_id: UUID) -> tuple[int, int, int]:
        """(stock, reserved, sold) of a variant."""
        v = tables.variants.c
        async with self.bench.kit.database.read() as connection:
            row = (await connection.execute(select(v.stock, v.reserved, v.sold).where(v.id == variant_id))).one()
        return row.stock, row.reserved, row.sold

    async def in_stock(self, product_id: UUID) -> bool:
        """The flag that the list shows."""
        p = tables.products.c
        async with self.bench.kit.database.read() as connection:
            return bool((await connection.execute(select(p.in_stock).where(p.id == product_id))).scalar_one())

    async def told(self) -> list[str]:
        """Names of the events in the outbox."""
        return [name for name, _ in await self.bench.outbox()]


@pytest.fixture
async def catalogue(make_bench: Callable[..., Awaitable[Bench]], tmp_path: Path) -> Catalogue:
    bench = await make_bench("products", tables.metadata, tables.platform_tables)
    orders = FakeOrders()
    settings = ProductsSettings(media_folder=tmp_path / "media")
    return Catalogue(bench, build(bench.kit, settings, orders), orders)
