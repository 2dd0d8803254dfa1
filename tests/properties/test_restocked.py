"""Goods that come back are counted once, also where an order is restocked in part and cancelled after that."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from caddy_shopping.contexts.orders.application.add_to_cart import AddToCart
from caddy_shopping.contexts.orders.application.cancel_order import CancelOrder
from caddy_shopping.contexts.orders.application.place_order import PlaceOrder
from caddy_shopping.contexts.orders.application.read_orders import FindOrder
from caddy_shopping.contexts.orders.application.refund_order import RefundOrder
from caddy_shopping.contexts.orders.domain.parts import Address
from caddy_shopping.contexts.payments.application.reconcile_payment import ReconcilePayment
from caddy_shopping.contexts.payments.application.start_payment import StartPayment
from caddy_shopping.contexts.products.application.create_product import CreateProduct
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec
from caddy_shopping.contexts.users.application.start_as_guest import StartAsGuest
from caddy_shopping.kernel.actor import SYSTEM, Actor, Role
from caddy_shopping.kernel.money import Money
from caddy_shopping.main.build import build
from caddy_shopping.main.process import Process
from caddy_shopping.platform.settings import Settings, load
from tests.support.books import ask, change
from tests.support.engine import ENGINE
from tests.support.ledger import reconcile

HOME = Address(name="Ada", line1="1 Analytical Rd", city="Hangzhou", country="CN")


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    running = build(load(Settings, data_dir=tmp_path, database_url=ENGINE.url_of(tmp_path)))
    await running.migrate()
    yield running
    await running.stop()


async def do(process: Process, context: str, use_case: str, command: Any) -> Any:
    module = process.modules[context]
    answer = await module.run(getattr(module.use_cases, use_case), command)
    await process.drained()
    return answer


async def a_paid_order(process: Process, variant: UUID, quantity: int) -> tuple[UUID, UUID]:
    """The order and its payment, of a provider that sends no webhooks."""
    guest = await do(process, "users", "start_as_guest", StartAsGuest(language="en"))
    buyer = Actor(Role.GUEST, guest.user.id)
    await do(process, "orders", "add_to_cart", AddToCart(actor=buyer, variant_id=variant, quantity=quantity))
    place = PlaceOrder(actor=buyer, shipping_method="standard", address=HOME, email="ada@example.com")
    order = await do(process, "orders", "place_order", place)
    start = StartPayment(actor=buyer, order_id=order.id, method="sandbox_silent")
    payment = await do(process, "payments", "start_payment", start)
    await do(process, "payments", "reconcile_payment", ReconcilePayment(actor=SYSTEM, payment_id=payment.id))
    return order.id, payment.id


def counts(data_dir: Path) -> tuple[int, ...]:
    (found,) = ask(data_dir, "SELECT stock, reserved, sold FROM product_variants")
    return found


async def test_restocked_in_part_and_then_cancelled(process: Process) -> None:
    data_dir = process.settings.data_dir
    spec = VariantSpec(price=Money(1000, "CNY"), stock=5)
    create = CreateProduct(actor=SYSTEM, details=ProductDetails(title="jumper", status="active"), variants=(spec,))
    product = await do(process, "products", "create_product", create)
    variant = product.variants[0].id
    await a_paid_order(process, variant, 1)
    order_id, payment_id = await a_paid_order(process, variant, 3)
    assert counts(data_dir) == (1, 0, 4)

    order = await do(process, "orders", "find_order", FindOrder(actor=SYSTEM, reference=str(order_id), as_staff=True))
    lines = [(order.lines[0].id, 1)]
    refund = RefundOrder(
        actor=SYSTEM, order_id=order_id, version=order.version, reason="torn", lines=lines, restock=True
    )
    order = await do(process, "orders", "refund_order", refund)
    assert counts(data_dir) == (2, 0, 3)
    cancel = CancelOrder(actor=SYSTEM, order_id=order_id, reason="no", as_staff=True, version=order.version)
    await do(process, "orders", "cancel_order", cancel)
    await do(process, "payments", "reconcile_payment", ReconcilePayment(actor=SYSTEM, payment_id=payment_id))
    assert counts(data_dir) == (4, 0, 1)
    assert reconcile(data_dir) == []

    # Negative control: the books of a shop that puts back all that the order took, though a piece was back before.
    change(
        data_dir,
        "UPDATE product_stock_movements SET delta = delta + 1 WHERE reason = 'cancelled'",
        "UPDATE product_variants SET stock = stock + 1, sold = sold - 1",
    )
    assert reconcile(data_dir) == [f"variant {product.variants[0].sku}: sold is 0, the orders have 1"]
