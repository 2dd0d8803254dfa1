"""The contract, as the real service and the fake keep it; consumers and jobs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from caddy_shopping.contexts.orders.application import purge_claims
from caddy_shopping.contexts.orders.infrastructure import tables
from caddy_shopping.contexts.orders.interface.service import OrdersService
from caddy_shopping.contracts.orders import OrderNotFound, Orders, Settlement
from caddy_shopping.contracts.payments import PaymentDeclined, PaymentRefunded, PaymentRefundFailed, PaymentSucceeded
from caddy_shopping.contracts.users import GuestSignedIn
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.events.consumer import Consumer
from tests.contexts.orders.conftest import STAFF, Shop
from tests.support.fakes.orders import FakeOrders

Make = Callable[[], Awaitable[UUID]]


@pytest.fixture(params=["real", "fake"])
def contract(request: pytest.FixtureRequest, shop: Shop) -> tuple[Orders, Make]:
    """A service and a way to make an order in it."""
    if request.param == "real":

        async def place() -> UUID:
            return (await shop.an_order()).id

        return shop.service, place
    fake = FakeOrders()

    async def make() -> UUID:
        return fake.place().id

    return fake, make


async def test_a_payable_order_is_what_payments_needs(contract: tuple[Orders, Make]) -> None:
    orders, make = contract
    order_id = await make()
    payable = await orders.get_payable(order_id=order_id)
    assert (payable.id, payable.status) == (order_id, "PENDING_PAYMENT")
    assert payable.total.amount > 0
    with pytest.raises(OrderNotFound):
        await orders.get_payable(order_id=new_id())


async def test_settling_says_the_same_every_time(contract: tuple[Orders, Make]) -> None:
    orders, make = contract
    placed, never = await make(), new_id()
    for _ in range(2):
        settlement = await orders.settle(order_ids=[placed, never, never])
        assert (settlement.placed, settlement.refused) == ([placed], [never])
    assert await orders.settle(order_ids=[]) == Settlement(placed=[], refused=[])


async def test_the_fake_bars_a_refused_id_too() -> None:
    fake, order_id = FakeOrders(), new_id()
    await fake.settle(order_ids=[order_id])
    with pytest.raises(ValueError, match="refused"):
        fake.place(order_id)


async def test_settling_the_same_ids_at_once_agrees(shop: Shop) -> None:
    ids = [new_id() for _ in range(5)]
    answers = await asyncio.gather(*[shop.service.settle(order_ids=ids) for _ in range(5)])
    assert all(set(answer.refused) == set(ids) for answer in answers)
    assert isinstance(shop.service, OrdersService)


def consumer(shop: Shop, event: type) -> Consumer:
    return next(each for each in shop.module.consumers if each.event is event)


async def deliver(shop: Shop, event: Any, event_id: UUID | None = None) -> bool:
    each = consumer(shop, type(event))
    return await shop.run.consume(each.name, event_id or new_id(), each.handler, each.command(event))


async def test_a_payment_delivered_twice_counts_once(shop: Shop) -> None:
    order = await shop.an_order()
    event = PaymentSucceeded(payment_id=new_id(), order_id=order.id, amount=order.total)
    event_id = new_id()
    assert await deliver(shop, event, event_id)
    assert not await deliver(shop, event, event_id)
    assert (await shop.read(order)).status == "PAID"
    assert len(await shop.events("OrderPaid")) == 1


async def test_every_event_finds_its_use_case(shop: Shop) -> None:
    order = await shop.an_order()
    payment = new_id()
    await deliver(shop, PaymentDeclined(payment_id=payment, order_id=order.id, reason="no"))
    await deliver(shop, PaymentSucceeded(payment_id=payment, order_id=order.id, amount=order.total))
    await deliver(shop, PaymentSucceeded(payment_id=new_id(), order_id=order.id, amount=order.total))
    [asked] = await shop.events("OrderRefundRequested")
    money: dict[str, Any] = {"payment_id": payment, "order_id": order.id, "refund_id": asked.refund_id}
    await deliver(shop, PaymentRefundFailed(**money, amount=asked.amount, reason="closed"))
    await deliver(shop, PaymentSucceeded(payment_id=new_id(), order_id=order.id, amount=order.total))
    asked = (await shop.events("OrderRefundRequested"))[-1]
    await deliver(shop, PaymentRefunded(**money | {"refund_id": asked.refund_id}, amount=asked.amount))
    user = shop.another_buyer()
    await deliver(shop, GuestSignedIn(user_id=user.user_id, guest_id=shop.buyer.user_id))
    detail = await shop.read(order)
    assert [entry.action for entry in detail.history] == [
        *["placed", "payment_declined", "paid", "payment_not_due", "refund_failed", "payment_not_due", "refunded"],
        "handed_over",
    ]
    assert [refund.status for refund in detail.refunds] == ["FAILED", "DONE"]
    assert (detail.user_id, detail.status, detail.refunded.amount) == (user.id, "PAID", 0)


async def test_the_job_expires_what_is_due(shop: Shop) -> None:
    order = await shop.an_order()
    job = shop.module.jobs[0]
    assert await job.run() == 0
    shop.clock.advance(timedelta(hours=1))
    assert await job.run() == 1
    detail = await shop.read(order)
    assert detail.cancel_reason == "expired"
    assert STAFF.id is not None


async def test_refused_ids_are_forgotten_after_a_month_and_orders_never(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_claims, "BATCH", 2)
    order = await shop.an_order()
    await shop.service.settle(order_ids=[new_id() for _ in range(5)])
    shop.clock.advance(timedelta(days=30))
    young = new_id()
    await shop.service.settle(order_ids=[young])
    job = {job.name: job for job in shop.module.jobs}["orders.purge-claims"]
    await job.run()
    assert await shop.count(tables.order_claims) == 7
    shop.clock.advance(timedelta(seconds=1))
    await job.run()
    async with shop.bench.kit.database.read() as connection:
        left = await connection.execute(select(tables.order_claims.c.order_id))
    assert {row.order_id for row in left} == {order.id, young}
    again = await shop.service.settle(order_ids=[order.id, young])
    assert (again.placed, again.refused) == ([order.id], [young])
