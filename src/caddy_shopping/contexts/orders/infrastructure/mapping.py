"""How the domain's classes lie in the tables."""

from caddy_shopping.contexts.orders.domain.order import Order
from caddy_shopping.contexts.orders.domain.parts import HistoryEntry, OrderLine, Refund
from caddy_shopping.contexts.orders.infrastructure import tables
from caddy_shopping.platform.db.records import Record


def _amounts(*names: str) -> dict[str, str]:
    return {name: f"{name}_amount" for name in names}


ORDER = Record(Order, tables.orders, money=_amounts("subtotal", "shipping", "tax", "total", "paid", "refunded"))
LINE = Record(OrderLine, tables.order_lines, money=_amounts("unit_price", "tax", "total"), given=["order_id"])
REFUND = Record(Refund, tables.order_refunds, money={"amount": "amount"}, given=["order_id"])
HISTORY = Record(HistoryEntry, tables.order_history, given=["order_id"])
