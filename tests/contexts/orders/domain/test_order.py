"""What may become of an order, in one example each; the machine beside this file tries everything."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from caddy_shopping.contexts.orders.domain.errors import (
    NotReturnable,
    OrderLineNotFound,
    OrderStateWrong,
)
from caddy_shopping.contexts.orders.domain.number import new_number
from caddy_shopping.contexts.orders.domain.order import TRANSITIONS, Buyer, Order, OrderStatus
from caddy_shopping.contexts.orders.domain.pricing import PriceRules, ShippingMethod, Tax
from caddy_shopping.contracts.orders import (
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefundRequested,
    OrderReturned,
)
from caddy_shopping.kernel.actor import SYSTEM
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from tests.contexts.orders.domain.orders import (
    BUYER,
    NOW,
    PAYMENT,
    STAFF,
    a_paid_order,
    a_shipped_order,
    an_order,
    yuan,
)
from tests.contexts.orders.fakes import a_variant


def test_placing_and_paying() -> None:
    order = an_order((5000, 3))
    assert (order.total, order.paid, order.status) == (yuan(16000), yuan(0), OrderStatus.PENDING_PAYMENT)
    order.pay(PAYMENT, yuan(16000), NOW)
    assert (order.paid, order.payment_id, order.status) == (yuan(16000), PAYMENT, OrderStatus.PAID)
    assert [type(event) for event in order.take_events()] == [OrderPlaced, OrderPaid]
    assert (order.placed_as, order.placed_at) == ("customer", NOW)
    assert [(entry.action, entry.actor_role) for entry in order.history] == [("paid", "system")]


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
