"""Orders in the states that tests begin with."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from caddy_shopping.contexts.orders.domain.number import new_number
from caddy_shopping.contexts.orders.domain.order import Buyer, Order
from caddy_shopping.contexts.orders.domain.pricing import PriceRules, ShippingMethod, Tax
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
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
