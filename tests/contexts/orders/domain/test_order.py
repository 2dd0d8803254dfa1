"""What may become of an order, in one example each; the machine beside this file tries everything."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from caddy_shopping.contexts.orders.domain.errors import (
    NotReturnable,
    OrderLineNotFound,
    OrderStateWrong,
    RefundMismatch,
    RefundNotFailed,
    RefundNotFound,
    RefundTooLarge,
    RefundUnclear,
    RefundUnderWay,
)
from caddy_shopping.contexts.orders.domain.number import new_number
from caddy_shopping.contexts.orders.domain.order import TRANSITIONS, Buyer, Order, OrderStatus
from caddy_shopping.contexts.orders.domain.parts import RefundStatus
from caddy_shopping.contexts.orders.domain.pricing import PriceRules, ShippingMethod, Tax
from caddy_shopping.contracts.orders import (
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRefundRequested,
    OrderReturned,
)
from caddy_shopping.kernel.actor import SYSTEM, Actor, Role
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import CurrencyMismatch, Money
from tests.contexts.orders.fakes import a_variant

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BUYER = Actor(Role.CUSTOMER, id=new_id())
STAFF = Actor(Role.STAFF, id=new_id())
PAYMENT = new_id()


def yuan(amount: int) -> Money:
    return Money(amount, "CNY")


def an_order(*lines: tuple[int, int]) -> Order:
    """(unit price, quantity) each; shipping is 10.00."""
    rules = PriceRules([ShippingMethod("standard", {}, "10")], Tax(True, Fraction(0)))
    quote = rules.quote([(a_variant(price), quantity) for price, quantity in lines or [(5000, 3)]], None, None)
    buyer = Buyer(BUYER.user_id, "ada@example.com", "en")
    return Order.place(new_id(), new_number(), buyer, quote, None, None, BUYER, NOW, NOW + timedelta(minutes=30))


def a_paid_order(*lines: tuple[int, int]) -> Order:
    order = an_order(*lines)
    order.pay(PAYMENT, order.total, NOW)
    order.take_events()
    return order


def a_shipped_order(*lines: tuple[int, int]) -> Order:
    order = a_paid_order(*lines)
    order.ship("SF", "1", STAFF, NOW)
    order.take_events()
    return order


def test_placing_and_paying() -> None:
    order = an_order((5000, 3))
    assert (order.total, order.paid, order.status) == (yuan(16000), yuan(0), OrderStatus.PENDING_PAYMENT)
    order.pay(PAYMENT, yuan(16000), NOW)
    assert (order.paid, order.payment_id, order.status) == (yuan(16000), PAYMENT, OrderStatus.PAID)
    assert [type(event) for event in order.take_events()] == [OrderPlaced, OrderPaid]
    assert [(entry.action, entry.actor_role) for entry in order.history] == [("placed", "customer"), ("paid", "system")]


def test_the_same_payment_again_changes_nothing() -> None:
    order = a_paid_order()
    version = order.version
    order.pay(PAYMENT, order.total, NOW)
    assert (order.version, order.take_events()) == (version, [])


@pytest.mark.parametrize(
    ("prepare", "amount", "reason"),
    [
        (lambda order: order.cancel(SYSTEM, "expired", NOW), 16000, "late payment"),
        (lambda order: order.pay(PAYMENT, order.total, NOW), 16000, "paid twice"),
        (lambda order: None, 15999, "wrong amount"),
        (lambda order: None, 16001, "wrong amount"),
    ],
)
def test_money_that_is_not_due_goes_back_whole(prepare: Callable[[Order], Any], amount: int, reason: str) -> None:
    order = an_order((5000, 3))
    prepare(order)
    status, paid = order.status, order.paid
    order.take_events()
    another = new_id()
    order.pay(another, yuan(amount), NOW)
    [event] = order.take_events()
    assert isinstance(event, OrderRefundRequested)
    assert (event.amount, event.reason, event.payment_id) == (yuan(amount), reason, another)
    assert (order.status, order.paid, order.refundable) == (status, paid, paid)
    order.pay(another, yuan(amount), NOW)
    assert order.take_events() == [], "the same payment is asked back once"
    order.confirm_refund(event.refund_id, event.amount, NOW)
    assert (order.status, order.refunded) == (status, yuan(0))


def test_another_currency_is_a_wrong_amount() -> None:
    order = an_order()
    order.pay(PAYMENT, Money(order.total.amount, "EUR"), NOW)
    assert order.status is OrderStatus.PENDING_PAYMENT
    assert order.refunds[0].reason == "wrong amount"


def test_a_decline_is_remembered_and_leaves_the_order_payable() -> None:
    order = an_order()
    version = order.version
    order.decline("card_declined", NOW)
    assert order.history[-1].detail == "card_declined"
    assert order.version == version + 1
    order.pay(PAYMENT, order.total, NOW)
    assert order.status is OrderStatus.PAID


def test_it_is_due_when_its_time_is_up_and_nobody_paid() -> None:
    order = an_order()
    assert not order.is_due(order.expires_at - timedelta(microseconds=1))
    assert order.is_due(order.expires_at)
    order.pay(PAYMENT, order.total, order.expires_at)
    assert not order.is_due(order.expires_at)


def test_cancelling_an_unpaid_order_asks_for_no_money() -> None:
    order = an_order()
    order.take_events()
    order.cancel(BUYER, "too slow", NOW)
    [event] = order.take_events()
    assert isinstance(event, OrderCancelled)
    assert (event.was_paid, event.reason, event.lines[0].quantity) == (False, "too slow", 3)


def test_cancelling_a_paid_order_asks_everything_back_and_ends_refunded() -> None:
    order = a_paid_order()
    order.cancel(BUYER, "too slow", NOW)
    cancelled, asked = order.take_events()
    assert isinstance(cancelled, OrderCancelled)
    assert cancelled.was_paid
    assert isinstance(asked, OrderRefundRequested)
    assert (asked.amount, asked.payment_id) == (order.total, PAYMENT)
    order.confirm_refund(asked.refund_id, asked.amount, NOW)
    assert order.status is OrderStatus.REFUNDED


def test_cancelling_restocks_only_what_was_not_restocked_before() -> None:
    order = a_paid_order((100, 3), (200, 1))
    first, second = order.lines
    order.refund_lines({first.id: 2, second.id: 1}, True, "damaged", STAFF, NOW)
    order.take_events()
    order.cancel(BUYER, "rest too", NOW)
    cancelled, asked = order.take_events()
    assert isinstance(cancelled, OrderCancelled)
    assert [(fact.variant_id, fact.quantity) for fact in cancelled.lines] == [(first.variant_id, 1)]
    assert isinstance(asked, OrderRefundRequested)
    assert asked.amount == yuan(100 + 1000)


@pytest.mark.parametrize("status", list(OrderStatus))
def test_moves_that_the_table_does_not_know_raise_and_change_nothing(status: OrderStatus) -> None:
    moves: dict[OrderStatus, Callable[[Order], None]] = {
        OrderStatus.SHIPPED: lambda order: order.ship("SF", "1", STAFF, NOW),
        OrderStatus.COMPLETED: lambda order: order.complete(STAFF, NOW),
        OrderStatus.CANCELLED: lambda order: order.cancel(STAFF, "no", NOW),
    }
    for wanted, move in moves.items():
        order = an_order()
        order.status = status
        order.take_events()
        version = order.version
        if wanted in TRANSITIONS[status]:
            move(order)
            assert order.status is wanted
            assert order.version > version
        else:
            with pytest.raises(OrderStateWrong):
                move(order)
            assert (order.status, order.version, order.take_events()) == (status, version, [])


def test_an_order_whose_money_is_on_its_way_back_is_not_shipped() -> None:
    order = a_paid_order()
    order.refund_amount(order.total, "changed mind", STAFF, NOW)
    with pytest.raises(RefundUnderWay):
        order.ship("SF", "1", STAFF, NOW)
    assert order.status is OrderStatus.PAID


def test_refunds_together_never_exceed_what_was_paid() -> None:
    order = a_paid_order((5000, 3))
    order.refund_amount(yuan(10000), "a", STAFF, NOW)
    with pytest.raises(RefundTooLarge):
        order.refund_amount(yuan(6001), "b", STAFF, NOW)
    with pytest.raises(RefundTooLarge):
        order.refund_lines({order.lines[0].id: 3}, False, "c", STAFF, NOW)
    assert len(order.refunds) == 1
    order.refund_amount(yuan(6000), "d", STAFF, NOW)
    assert order.refundable == yuan(0)


def test_an_unpaid_order_has_nothing_to_refund() -> None:
    order = an_order()
    with pytest.raises(RefundTooLarge):
        order.refund_amount(yuan(1), "a", STAFF, NOW)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_of_nothing_is_unclear(amount: int) -> None:
    with pytest.raises(RefundUnclear):
        a_paid_order().refund_amount(yuan(amount), "a", STAFF, NOW)


def test_a_refund_in_another_currency_is_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        a_paid_order().refund_amount(Money(1, "EUR"), "a", STAFF, NOW)


def test_refunds_by_line_add_up_to_the_line_whatever_fails_in_between() -> None:
    order = a_paid_order((1, 1), (5, 1))
    line = order.lines[1]
    line.quantity, line.total = 3, yuan(100)  # 34 + 33 + 33
    order.paid = order.total = yuan(1101)
    first = order.refund_lines({line.id: 1}, False, "a", STAFF, NOW)
    second = order.refund_lines({line.id: 1}, False, "b", STAFF, NOW)
    assert (first.amount, second.amount) == (yuan(34), yuan(33))
    order.fail_refund(first.id, first.amount, "card closed", NOW)
    third = order.refund_lines({line.id: 2}, False, "c", STAFF, NOW)
    assert second.amount + third.amount == yuan(100)
    with pytest.raises(NotReturnable):
        order.refund_lines({line.id: 1}, False, "d", STAFF, NOW)
    with pytest.raises(OrderLineNotFound):
        order.refund_lines({new_id(): 1}, False, "e", STAFF, NOW)


def test_a_refund_in_part_keeps_the_state_and_the_rest_ends_it() -> None:
    order = a_shipped_order((5000, 3))
    part = order.refund_amount(yuan(6000), "scratch", STAFF, NOW)
    order.take_events()
    order.confirm_refund(part.id, yuan(6000), NOW)
    [event] = order.take_events()
    assert isinstance(event, OrderRefunded)
    assert (event.refunded, event.total, order.status) == (yuan(6000), yuan(16000), OrderStatus.SHIPPED)
    version = order.version
    order.confirm_refund(part.id, yuan(6000), NOW)
    assert (order.refunded, order.version) == (yuan(6000), version), "twice is once"
    rest = order.refund_amount(yuan(10000), "all of it", STAFF, NOW)
    order.confirm_refund(rest.id, yuan(10000), NOW)
    assert (order.refunded, order.status) == (order.paid, OrderStatus.REFUNDED)


def test_a_failed_refund_may_be_asked_for_again() -> None:
    order = a_paid_order()
    refund = order.refund_amount(order.total, "a", STAFF, NOW)
    order.fail_refund(refund.id, order.total, "card closed", NOW)
    assert (refund.status, refund.failure) == (RefundStatus.FAILED, "card closed")
    version = order.version
    order.fail_refund(refund.id, order.total, "card closed", NOW)
    assert order.version == version
    order.refund_amount(order.total, "again", STAFF, NOW)


def test_what_payments_says_of_a_refund_must_fit() -> None:
    order = a_paid_order()
    refund = order.refund_amount(yuan(5), "a", STAFF, NOW)
    for refund_id, amount in [(new_id(), 5), (refund.id, 6)]:
        with pytest.raises(RefundMismatch):
            order.confirm_refund(refund_id, yuan(amount), NOW)
    order.confirm_refund(refund.id, yuan(5), NOW)
    with pytest.raises(RefundMismatch):
        order.fail_refund(refund.id, yuan(5), "no", NOW)
    assert order.refunded == yuan(5)


def test_units_of_a_refund_that_is_done_are_not_refunded_again() -> None:
    order = a_paid_order((100, 3))
    refund = order.refund_lines({order.lines[0].id: 2}, False, "a", STAFF, NOW)
    order.confirm_refund(refund.id, refund.amount, NOW)
    assert [part.quantity for part in refund.parts] == [2]
    with pytest.raises(NotReturnable):
        order.refund_lines({order.lines[0].id: 2}, False, "b", STAFF, NOW)


def test_a_refund_that_came_through_after_it_failed_is_done() -> None:
    order = a_paid_order((100, 3))
    [line] = order.lines
    refund = order.refund_lines({line.id: 3}, False, "a", STAFF, NOW)
    order.fail_refund(refund.id, refund.amount, "no", NOW)
    order.take_events()
    order.confirm_refund(refund.id, refund.amount, NOW)
    assert (refund.status, refund.failure, order.refunded) == (RefundStatus.DONE, None, refund.amount)
    assert [type(event) for event in order.take_events()] == [OrderRefunded]
    with pytest.raises(NotReturnable):
        order.refund_lines({line.id: 1}, False, "b", STAFF, NOW)


def test_a_failed_refund_whose_money_was_asked_back_anew_cannot_come_through() -> None:
    order = a_paid_order()
    refund = order.refund_amount(order.total, "a", STAFF, NOW)
    order.fail_refund(refund.id, order.total, "no", NOW)
    order.refund_amount(yuan(1), "b", STAFF, NOW)
    with pytest.raises(RefundMismatch):
        order.confirm_refund(refund.id, order.total, NOW)
    assert (refund.status, order.refunded) == (RefundStatus.FAILED, yuan(0))


def test_units_that_another_refund_covers_by_now_are_not_counted_twice() -> None:
    order = a_paid_order((100, 1), (500, 1))
    line = order.lines[0]
    failed = order.refund_lines({line.id: 1}, False, "a", STAFF, NOW)
    order.fail_refund(failed.id, failed.amount, "no", NOW)
    order.refund_lines({line.id: 1}, False, "b", STAFF, NOW)
    order.confirm_refund(failed.id, failed.amount, NOW)
    assert (failed.status, failed.parts, order.refunded) == (RefundStatus.DONE, [], yuan(100))


def test_money_that_was_not_due_is_asked_back_again_when_its_refund_fails() -> None:
    order, late = a_paid_order(), new_id()
    order.pay(late, yuan(777), NOW)
    first = order.refunds[0]
    with pytest.raises(RefundNotFailed):
        order.retry_refund(first.id, STAFF, NOW)
    order.fail_refund(first.id, yuan(777), "card closed", NOW)
    order.take_events()
    again = order.retry_refund(first.id, STAFF, NOW)
    [asked] = order.take_events()
    assert isinstance(asked, OrderRefundRequested)
    assert (asked.refund_id, asked.payment_id, asked.amount) == (again.id, late, yuan(777))
    assert again.id != first.id
    assert (again.surplus, again.requested_by, order.refundable) == (True, STAFF.id, order.paid)
    with pytest.raises(RefundTooLarge):
        order.retry_refund(first.id, STAFF, NOW)
    with pytest.raises(RefundMismatch):
        order.confirm_refund(first.id, yuan(777), NOW)
    assert order.take_events() == [], "one payment is not given back twice"
    order.confirm_refund(again.id, yuan(777), NOW)
    assert order.refunded == yuan(0)
    with pytest.raises(RefundNotFound):
        order.retry_refund(new_id(), STAFF, NOW)


def test_an_ordinary_refund_is_asked_for_again_within_what_is_left() -> None:
    order = a_paid_order((100, 3))
    [line] = order.lines
    failed = order.refund_lines({line.id: 2}, False, "torn", STAFF, NOW)
    order.fail_refund(failed.id, failed.amount, "no", NOW)
    again = order.retry_refund(failed.id, STAFF, NOW)
    assert (again.amount, again.parts, again.payment_id) == (failed.amount, failed.parts, PAYMENT)
    with pytest.raises(NotReturnable):
        order.retry_refund(failed.id, STAFF, NOW)
    whole = order.refund_amount(order.refundable, "rest", STAFF, NOW)
    order.fail_refund(whole.id, whole.amount, "no", NOW)
    order.refund_amount(yuan(1), "something", STAFF, NOW)
    with pytest.raises(RefundTooLarge):
        order.retry_refund(whole.id, STAFF, NOW)


def test_goods_of_a_cancelled_order_do_not_come_back_though_it_is_refunded() -> None:
    """Its stock went back when it was cancelled."""
    order = a_paid_order((100, 3))
    order.cancel(STAFF, "no", NOW)
    order.confirm_refund(order.refunds[0].id, order.total, NOW)
    assert order.status is OrderStatus.REFUNDED
    order.take_events()
    with pytest.raises(OrderStateWrong):
        order.take_back({order.lines[0].id: 1}, True, STAFF, NOW)
    assert order.take_events() == []


def test_goods_come_back_once() -> None:
    order = a_shipped_order((100, 3))
    line = order.lines[0]
    order.take_back({line.id: 1}, False, STAFF, NOW)
    assert order.take_events() == [], "unfit goods are nobody's business"
    order.take_back({line.id: 2}, True, STAFF, NOW)
    [event] = order.take_events()
    assert isinstance(event, OrderReturned)
    assert (event.lines[0].quantity, line.returned, line.restocked) == (2, 3, 2)
    with pytest.raises(NotReturnable):
        order.take_back({line.id: 1}, True, STAFF, NOW)
    with pytest.raises(OrderLineNotFound):
        order.take_back({new_id(): 1}, True, STAFF, NOW)


def test_goods_that_never_left_do_not_come_back() -> None:
    order = a_paid_order()
    with pytest.raises(OrderStateWrong):
        order.take_back({order.lines[0].id: 1}, True, STAFF, NOW)


def test_a_cancelled_order_restocks_nothing_more() -> None:
    order = a_paid_order((100, 3))
    order.cancel(STAFF, "no", NOW)
    order.fail_refund(order.refunds[0].id, order.total, "closed", NOW)
    order.take_events()
    with pytest.raises(OrderStateWrong):
        order.refund_lines({order.lines[0].id: 1}, True, "again", STAFF, NOW)
    assert order.take_events() == []
    order.refund_lines({order.lines[0].id: 3}, False, "again", STAFF, NOW)


def test_what_costs_nothing_is_paid_when_placed_and_cancelled_without_refund() -> None:
    rules = PriceRules([ShippingMethod("standard", {}, "0")], Tax(True, Fraction(0)))
    buyer = Buyer(BUYER.user_id, "ada@example.com", "en")
    quote = rules.quote([(a_variant(0), 1)], None, None)
    order = Order.place(new_id(), new_number(), buyer, quote, None, None, BUYER, NOW, NOW)
    assert order.status is OrderStatus.PAID
    order.cancel(BUYER, "no", NOW)
    assert order.refunds == []
