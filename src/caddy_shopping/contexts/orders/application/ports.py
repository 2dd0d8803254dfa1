"""What one transaction of the orders context holds."""

from typing import Protocol

from caddy_shopping.contexts.orders.domain.cart import Carts
from caddy_shopping.contexts.orders.domain.claims import Claims
from caddy_shopping.contexts.orders.domain.order import Orders
from caddy_shopping.kernel.unit_of_work import Transaction


class OrdersTransaction(Transaction, Protocol):
    @property
    def orders(self) -> Orders: ...

    @property
    def carts(self) -> Carts: ...

    @property
    def claims(self) -> Claims: ...
