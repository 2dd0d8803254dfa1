"""What may become of the money of an order, in one example each."""

import pytest

from caddy_shopping.contexts.orders.domain.errors import (
    NotReturnable,
    OrderLineNotFound,
    RefundMismatch,
    RefundNotFailed,
    RefundNotFound,
    RefundTooLarge,
    RefundUnclear,
    RefundUnderWay,
)
from caddy_shopping.contexts.orders.domain.order import OrderStatus
from caddy_shopping.contexts.orders.domain.parts import RefundStatus
from caddy_shopping.contracts.orders import (
    OrderRefunded,
    OrderRefundRequested,
)
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import CurrencyMismatch, Money
from tests.contexts.orders.domain.orders import NOW, PAYMENT, STAFF, a_paid_order, a_shipped_order, an_order, yuan


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
