"""Money that comes, comes late, and goes back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from caddy_shopping.contexts.orders.application.cancel_order import CancelOrder
from caddy_shopping.contexts.orders.application.expire_orders import ExpireOrder, expire_due
from caddy_shopping.contexts.orders.application.hear_of_payment import ConfirmRefund, FailRefund, NoteDecline, PayOrder
from caddy_shopping.contexts.orders.application.refund_order import RefundOrder
from caddy_shopping.contexts.orders.domain import order as domain
from caddy_shopping.contexts.orders.domain.errors import OrderStateWrong, RefundTooLarge
from caddy_shopping.contexts.orders.domain.order import Order, OrderStatus
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from tests.contexts.orders.conftest import STAFF, Shop

HALF_AN_HOUR = timedelta(minutes=30)


async def test_a_paid_order_says_so_once(shop: Shop) -> None:
    order = await shop.an_order()
    payment = new_id()
    detail = await shop.pay(order, payment)
    assert (detail.status, detail.paid) == ("PAID", order.total)
    assert detail.version > order.version
    await shop.pay(order, payment)
    assert len(await shop.events("OrderPaid")) == 1
    assert (await shop.read(order)).version == detail.version


async def test_a_decline_is_only_a_line_in_the_history(shop: Shop) -> None:
    order = await shop.an_order()
    await shop.run(shop.use_cases.note_decline, NoteDecline(order_id=order.id, reason="card_declined"))
    detail = await shop.read(order)
    assert (detail.status, detail.history[-1].detail) == ("PENDING_PAYMENT", "card_declined")


async def test_a_payment_of_no_order_is_not_swallowed(shop: Shop) -> None:
    with pytest.raises(OrderNotFound):
        await shop.run(
            shop.use_cases.pay_order, PayOrder(order_id=new_id(), payment_id=new_id(), amount=Money(1, "CNY"))
        )


async def test_late_money_is_asked_back_by_itself(shop: Shop) -> None:
    order = await shop.an_order()
    shop.clock.advance(HALF_AN_HOUR)
    assert await expire_all(shop) == 1
    payment = new_id()
    detail = await shop.pay(order, payment)
    assert (detail.status, detail.paid.amount, detail.cancel_reason) == ("CANCELLED", 0, "expired")
    [asked] = await shop.events("OrderRefundRequested")
    assert (asked.payment_id, asked.amount, asked.reason) == (payment, order.total, "late payment")
    await shop.run(
        shop.use_cases.confirm_refund, ConfirmRefund(order_id=order.id, refund_id=asked.refund_id, amount=asked.amount)
    )
    assert (await shop.read(order)).status == "CANCELLED"
    assert len(await shop.events("OrderRefunded")) == 1


async def test_a_refund_that_fails_is_shown_and_may_be_asked_for_again(shop: Shop) -> None:
    order = await shop.a_paid_order()
    view = await shop.run(shop.use_cases.refund_order, refund(order, order.total.amount))
    failure = FailRefund(order_id=order.id, refund_id=view.refunds[0].id, amount=order.total, reason="card closed")
    await shop.run(shop.use_cases.fail_refund, failure)
    detail = await shop.read(order)
    assert (detail.refunds[0].status, detail.history[-1].action) == ("FAILED", "refund_failed")
    again = await shop.run(shop.use_cases.refund_order, refund(detail, order.total.amount))
    assert [each.status for each in again.refunds] == ["FAILED", "PENDING"]


def refund(order: Any, amount: int) -> RefundOrder:
    return RefundOrder(actor=STAFF, order_id=order.id, version=order.version, reason="r", amount=Money(amount, "CNY"))


async def expire_all(shop: Shop) -> int:
    async def one(command: ExpireOrder) -> bool:
        return await shop.run(shop.use_cases.expire_order, command)

    return await expire_due(shop.use_cases.queries, one, shop.clock)


async def test_unpaid_orders_expire_and_paid_ones_do_not(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caddy_shopping.contexts.orders.application.expire_orders.BATCH", 2)
    unpaid = [await shop.an_order() for _ in range(5)]
    paid = await shop.a_paid_order()
    shop.clock.advance(HALF_AN_HOUR - timedelta(microseconds=1))
    assert await expire_all(shop) == 0
    shop.clock.advance(timedelta(microseconds=1))
    later = await shop.an_order()
    assert await expire_all(shop) == 5
    cancelled = await shop.events("OrderCancelled")
    assert [event.order_id for event in cancelled] == [order.id for order in unpaid]
    assert {(event.reason, event.was_paid) for event in cancelled} == {("expired", False)}
    assert [(await shop.read(order)).status for order in (paid, later)] == ["PAID", "PENDING_PAYMENT"]
    assert (await shop.read(unpaid[0])).history[-1].actor_role == "system"
    assert await expire_all(shop) == 0


async def test_the_job_run_twice_at_once_expires_once(shop: Shop) -> None:
    for _ in range(5):
        await shop.an_order()
    shop.clock.advance(HALF_AN_HOUR)
    assert sum(await asyncio.gather(*[expire_all(shop) for _ in range(3)])) == 5
    assert len(await shop.events("OrderCancelled")) == 5


async def test_one_order_that_cannot_expire_does_not_hold_up_the_others(shop: Shop) -> None:
    broken = await shop.an_order()
    fine = await shop.an_order()
    shop.clock.advance(HALF_AN_HOUR)

    async def one(command: ExpireOrder) -> bool:
        if command.order_id == broken.id:
            raise RuntimeError("broken")
        return await shop.run(shop.use_cases.expire_order, command)

    with pytest.raises(ExceptionGroup) as failures:
        await expire_due(shop.use_cases.queries, one, shop.clock)
    assert [str(failure) for failure in failures.value.exceptions] == ["broken"]
    assert (await shop.read(fine)).status == "CANCELLED"


async def race_of_expiry_and_payment(shop: Shop) -> tuple[Any, int]:
    order = await shop.an_order()
    shop.clock.advance(HALF_AN_HOUR)
    command = PayOrder(order_id=order.id, payment_id=new_id(), amount=order.total)
    before = len(await shop.events("OrderPaid")), len(await shop.events("OrderCancelled"))
    await asyncio.gather(
        shop.run(shop.use_cases.expire_order, ExpireOrder(order_id=order.id)),
        shop.run(shop.use_cases.pay_order, command),
        shop.run(shop.use_cases.expire_order, ExpireOrder(order_id=order.id)),
    )
    after = len(await shop.events("OrderPaid")), len(await shop.events("OrderCancelled"))
    return await shop.read(order), sum(after) - sum(before)


async def test_expiry_racing_a_payment_has_one_winner(shop: Shop) -> None:
    for _ in range(10):
        detail, outcomes = await race_of_expiry_and_payment(shop)
        assert outcomes == 1, "paid or cancelled, never both"
        given_back = sum(each.amount.amount for each in detail.refunds)
        assert given_back == (0 if detail.status == "PAID" else detail.total.amount)


async def test_negative_control_without_the_look_at_the_state_both_win(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Order, "is_due", lambda _self, _now: True)
    everywhere = {status: frozenset(OrderStatus) for status in OrderStatus}
    monkeypatch.setattr(domain, "TRANSITIONS", everywhere)
    _, outcomes = await race_of_expiry_and_payment(shop)
    assert outcomes > 1


async def racing_refunds(shop: Shop) -> tuple[Any, list[Any]]:
    order = await shop.a_paid_order(5000, 2)
    answers = await asyncio.gather(
        *[shop.run(shop.use_cases.refund_order, refund(order, 6000)) for _ in range(4)],
        shop.run(shop.use_cases.cancel_order, CancelOrder(actor=shop.buyer, order_id=order.id, reason="no")),
        return_exceptions=True,
    )
    assert all(isinstance(answer, ShopError) or not isinstance(answer, Exception) for answer in answers)
    return await shop.read(order), list(answers)


async def test_refunds_at_once_never_exceed_what_was_paid(shop: Shop) -> None:
    detail, answers = await racing_refunds(shop)
    assert sum(each.amount.amount for each in detail.refunds) == detail.paid.amount, "one refund, and cancel the rest"
    assert sum(isinstance(answer, Exception) for answer in answers) == 3
    asked = await shop.events("OrderRefundRequested")
    assert sum(event.amount.amount for event in asked) == detail.paid.amount


async def test_negative_control_without_the_guard_refunds_exceed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Order, "refundable", property(lambda self: self.paid))
    monkeypatch.setattr("caddy_shopping.contexts.orders.application.refund_order.check_version", lambda *_: None)
    detail, _ = await racing_refunds(shop)
    assert sum(each.amount.amount for each in detail.refunds) > detail.paid.amount


async def test_a_change_on_a_stale_copy_is_run_again_from_its_first_line(shop: Shop) -> None:
    """On databases with many writers two units of work may read one version: the second to write must lose."""
    order = await shop.an_order()
    tries = 0

    async def overtaken(_: None) -> None:
        nonlocal tries
        tries += 1
        async with shop.use_cases.pay_order.uow() as tx:
            loaded = await tx.orders.get(order.id)
            if tries == 1:
                session = tx.session  # type: ignore[attr-defined]  # the other writer
                await session.execute(text("UPDATE orders SET version = version + 1"))
            loaded.decline("no", shop.clock.now())

    await shop.run(overtaken, None)
    assert tries == 2
    detail = await shop.read(order)
    assert [entry.action for entry in detail.history] == ["placed", "payment_declined"]


async def test_cancelling_a_paid_order_asks_the_money_back(shop: Shop) -> None:
    order = await shop.a_paid_order()
    command = CancelOrder(actor=shop.buyer, order_id=order.id, reason="changed my mind")
    view = await shop.run(shop.use_cases.cancel_order, command)
    assert (view.status, view.refunds[0].amount) == ("CANCELLED", order.total)
    [cancelled] = await shop.events("OrderCancelled")
    [asked] = await shop.events("OrderRefundRequested")
    assert cancelled.was_paid
    with pytest.raises(OrderStateWrong):
        await shop.run(shop.use_cases.cancel_order, command)
    assert len(await shop.events("OrderRefundRequested")) == 1
    done = ConfirmRefund(order_id=order.id, refund_id=asked.refund_id, amount=asked.amount)
    await shop.run(shop.use_cases.confirm_refund, done)
    detail = await shop.read(order)
    assert (detail.status, detail.refunded, detail.refunds[0].status) == ("REFUNDED", order.total, "DONE")
    [refunded] = await shop.events("OrderRefunded")
    assert (refunded.refunded, refunded.total) == (order.total, order.total)


async def test_a_stranger_cannot_cancel_or_learn_of_an_order(shop: Shop) -> None:
    order = await shop.an_order()
    with pytest.raises(OrderNotFound):
        await shop.run(
            shop.use_cases.cancel_order, CancelOrder(actor=shop.another_buyer(), order_id=order.id, reason="mine")
        )
    assert (await shop.read(order)).status == "PENDING_PAYMENT"


async def test_more_than_was_paid_is_not_refunded(shop: Shop) -> None:
    order = await shop.a_paid_order()
    with pytest.raises(RefundTooLarge):
        await shop.run(shop.use_cases.refund_order, refund(order, order.total.amount + 1))
    assert await shop.events("OrderRefundRequested") == []
