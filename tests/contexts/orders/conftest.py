"""The orders context on a scratch database, between fake neighbours."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import Table, func, select

from caddy_shopping.contexts.orders.application.add_to_cart import AddToCart
from caddy_shopping.contexts.orders.application.hear_of_payment import PayOrder
from caddy_shopping.contexts.orders.application.place_order import PlaceOrder
from caddy_shopping.contexts.orders.application.read_orders import FindOrder
from caddy_shopping.contexts.orders.application.use_cases import UseCases
from caddy_shopping.contexts.orders.application.views import CartView, OrderDetail, OrderView
from caddy_shopping.contexts.orders.domain.parts import Address
from caddy_shopping.contexts.orders.infrastructure import tables
from caddy_shopping.contexts.orders.interface.service import OrdersService
from caddy_shopping.contexts.orders.module import build
from caddy_shopping.contexts.orders.settings import OrdersSettings
from caddy_shopping.contracts import orders as contract
from caddy_shopping.contracts.products import VariantView
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Module
from tests.contexts.orders.fakes import WatchedProducts, a_variant
from tests.support.clock import FakeClock
from tests.support.database import Bench

HOME = Address(name="Ada", line1="1 Analytical Rd", city="Hangzhou", country="CN")
STAFF = Actor(Role.STAFF, id=new_id(), permissions=frozenset({"orders:manage"}))


@dataclass
class Shop:
    """Everything a test of this context needs in its hands."""

    bench: Bench
    products: WatchedProducts
    module: Module
    buyer: Actor

    @property
    def use_cases(self) -> UseCases:
        use_cases: UseCases = self.module.use_cases
        return use_cases

    @property
    def service(self) -> OrdersService:
        service = self.module.service
        assert isinstance(service, OrdersService)
        return service

    @property
    def run(self) -> Executor:
        return self.module.run

    @property
    def clock(self) -> FakeClock:
        return self.bench.clock

    def another_buyer(self) -> Actor:
        return Actor(Role.CUSTOMER, id=new_id(), email=f"{new_id().hex}@example.com")

    def guest(self) -> Actor:
        return Actor(Role.GUEST, id=new_id())

    async def add(self, variant: VariantView, quantity: int = 1, actor: Actor | None = None) -> CartView:
        command = AddToCart(actor=actor or self.buyer, variant_id=variant.id, quantity=quantity)
        return await self.run(self.use_cases.add_to_cart, command)

    def order_command(self, actor: Actor | None = None, **given: Any) -> PlaceOrder:
        usual: dict[str, Any] = {"actor": actor or self.buyer, "shipping_method": "standard", "address": HOME}
        return PlaceOrder(**(usual | given))

    async def place(self, actor: Actor | None = None, **given: Any) -> OrderView:
        return await self.run(self.use_cases.place_order, self.order_command(actor, **given))

    async def an_order(self, price: int = 9900, quantity: int = 2, actor: Actor | None = None) -> OrderView:
        await self.add(self.products.put(a_variant(price)), quantity, actor)
        return await self.place(actor)

    async def pay(self, order: OrderView, payment_id: UUID | None = None) -> OrderDetail:
        command = PayOrder(order_id=order.id, payment_id=payment_id or new_id(), amount=order.total)
        await self.run(self.use_cases.pay_order, command)
        return await self.read(order)

    async def a_paid_order(self, price: int = 9900, quantity: int = 2) -> OrderDetail:
        return await self.pay(await self.an_order(price, quantity))

    async def read(self, order: OrderView) -> OrderDetail:
        command = FindOrder(actor=STAFF, reference=str(order.id), as_staff=True)
        return await self.run(self.use_cases.find_order, command)

    async def events(self, kind: str) -> list[Any]:
        shape = getattr(contract, kind)
        return [msgspec.json.decode(payload, type=shape) for name, payload in await self.bench.outbox() if name == kind]

    async def count(self, table: Table) -> int:
        async with self.bench.kit.database.read() as connection:
            return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


@pytest.fixture
async def shop(make_bench: Callable[..., Awaitable[Bench]]) -> Shop:
    bench = await make_bench("orders", tables.metadata, tables.platform_tables)
    # Ids tell the real time, and an order is placed at about the time that its id tells.
    bench.clock.advance(datetime.now(UTC) - bench.clock.now())
    products = WatchedProducts()
    buyer = Actor(Role.CUSTOMER, id=new_id(), email="Ada@Example.com")
    return Shop(bench, products, build(bench.kit, OrdersSettings(), products), buyer)
