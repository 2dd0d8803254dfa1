import asyncio
from datetime import timedelta

import pytest

from caddy_shopping.contexts.payments.domain.errors import PaymentNotFound, ProviderUnavailable
from caddy_shopping.contexts.payments.domain.payment import PaymentStatus
from caddy_shopping.contexts.payments.domain.refund import RefundStatus
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from tests.contexts.payments.world import World


async def test_a_cancelled_order_gives_its_payment_up(world: World) -> None:
    order = world.an_order()
    payment = await world.pay(order, "sandbox_slow")
    assert await world.cancel(order)
    assert (await world.see(payment)).status is PaymentStatus.VOIDED
    world.bench.clock.advance(timedelta(minutes=1))
    await world.deliver()
    assert (await world.see(payment)).status is PaymentStatus.VOIDED
    assert await world.event_names() == []


async def test_the_same_cancellation_twice_is_one(world: World) -> None:
    order, event_id = world.an_order(), new_id()
    await world.pay(order, "sandbox_slow")
    assert await world.cancel(order, event_id)
    await world.cancel(order, event_id)
    assert world.provider.calls == ["create_intent", "void"]


async def test_an_order_without_an_open_payment_is_left_alone(world: World) -> None:
    payment = await world.paid()
    await world.cancel(world.orders.orders[payment.order_id])
    await world.cancel(world.an_order())
    assert world.provider.calls == ["create_intent"]
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED


async def test_money_that_came_before_the_cancellation_is_told_as_a_success(world: World) -> None:
    order = world.an_order()
    payment = await world.pay(order, "sandbox_silent")
    await world.cancel(order)
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_a_void_that_does_not_come_through_is_delivered_again(world: World) -> None:
    order, event_id = world.an_order(), new_id()
    payment = await world.pay(order, "sandbox_slow")
    world.provider.after["void"] = 1
    with pytest.raises(ProviderUnavailable):
        await world.cancel(order, event_id)
    assert await world.cancel(order, event_id)
    assert (await world.see(payment)).status is PaymentStatus.VOIDED


async def test_a_refund_is_told_when_the_provider_says_so(world: World) -> None:
    payment = await world.paid()
    refund_id = await world.ask_refund(payment.order_id, 4000)
    assert await world.event_names() == ["PaymentSucceeded"]
    assert (await world.see(payment)).refunded == Money(4000, "CNY")
    await world.deliver()
    kind, event = (await world.events())[-1]
    assert kind == "PaymentRefunded"
    assert (event["refundId"], event["amount"]["amount"]) == (str(refund_id), 4000)


async def test_the_same_refund_twice_moves_the_money_once(world: World) -> None:
    payment = await world.paid()
    refund_id = await world.ask_refund(payment.order_id, 6000)
    # Delivered again under another event id: the refund's own id guards it.
    await world.ask_refund(payment.order_id, 6000, refund_id)
    await world.deliver()
    assert await world.event_names() == ["PaymentSucceeded", "PaymentRefunded"]
    assert (await world.see(payment)).refunded == Money(6000, "CNY")
    assert await world.count("sandbox_refunds") == 1


async def test_refunds_over_the_captured_amount_fail_and_never_reach_the_provider(world: World) -> None:
    payment = await world.paid(amount=9999)
    await world.ask_refund(payment.order_id, 9000)
    refused = await world.ask_refund(payment.order_id, 1000)
    await world.deliver()
    assert world.provider.calls == ["create_intent", "refund"]
    event = next(event for kind, event in await world.events() if kind == "PaymentRefundFailed")
    assert (event["refundId"], event["reason"]) == (str(refused), "exceeds_captured")
    assert (await world.see(payment)).refunded == Money(9000, "CNY")
    # Negative control: what is left can be had.
    await world.ask_refund(payment.order_id, 999)
    await world.deliver()
    assert (await world.event_names()).count("PaymentRefunded") == 2


async def test_refunds_at_once_never_exceed_together(world: World) -> None:
    payment = await world.paid(amount=10_000)
    await asyncio.gather(*(world.ask_refund(payment.order_id, 3000) for _ in range(8)))
    await world.deliver()
    names = await world.event_names()
    assert (names.count("PaymentRefunded"), names.count("PaymentRefundFailed")) == (3, 5)
    assert (await world.see(payment)).refunded == Money(9000, "CNY")


async def test_a_refund_that_the_provider_refuses_frees_its_money(world: World) -> None:
    payment = await world.paid(method="sandbox_refund_fails")
    await world.ask_refund(payment.order_id, 4000)
    await world.deliver()
    kind, event = (await world.events())[-1]
    assert (kind, event["reason"]) == ("PaymentRefundFailed", "refund_refused")
    assert (await world.see(payment)).refunded == Money(0, "CNY")


async def test_an_order_that_never_paid_has_nothing_to_refund(world: World) -> None:
    order = world.an_order()
    await world.pay(order, "sandbox_slow")
    with pytest.raises(PaymentNotFound):
        await world.ask_refund(order.id, 1)
    assert await world.count("payment_refunds") == 0


async def test_an_order_paid_twice_gives_the_later_payment_back(world: World) -> None:
    order = world.an_order()
    first = await world.pay(order, "sandbox_slow")
    await world.set("payments", active_order_id=None, status=PaymentStatus.VOIDED)
    second = await world.pay(order, "sandbox_ok")
    await world.deliver()
    await world.set("payments", status=PaymentStatus.SUCCEEDED, captured_amount=9999)
    await world.ask_refund(order.id, 9999)
    assert (await world.see(second)).refunded == Money(9999, "CNY")
    await world.ask_refund(order.id, 9999)
    assert (await world.see(first)).refunded == Money(9999, "CNY")


async def test_a_refund_that_did_not_reach_the_provider_stays_pending(world: World) -> None:
    payment = await world.paid()
    world.provider.before["refund"] = 1
    await world.ask_refund(payment.order_id, 4000)
    [refund] = await world.rows(world.tables("payment_refunds"))
    assert refund.status is RefundStatus.PENDING
    assert await world.count("sandbox_refunds") == 0


async def test_a_webhook_about_an_unknown_refund_waits_with_its_error(world: World) -> None:
    payment = await world.paid()
    # Somebody gave money back by hand, at the provider's.
    await world.provider.inner.refund(refund_id=new_id(), payment_id=payment.id, amount=Money(1, "CNY"))
    await world.deliver()
    row = (await world.rows(world.tables("payment_webhooks")))[-1]
    assert (row.type, row.processed_at, row.attempts) == ("refund.succeeded", None, 1)
    assert await world.event_names() == ["PaymentSucceeded"]
