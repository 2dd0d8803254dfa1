"""How the domain's classes lie in the tables."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Table
from sqlalchemy.orm import composite, foreign, registry, relationship

from caddy_shopping.contexts.orders.domain.order import Order
from caddy_shopping.contexts.orders.domain.parts import HistoryEntry, OrderLine, Refund
from caddy_shopping.contexts.orders.infrastructure import tables
from caddy_shopping.kernel.money import Money


def map_orders() -> None:
    """Map the context's classes; a second call does nothing."""
    if hasattr(Order, "__mapper__"):
        return
    mapper = registry()
    mapper.map_imperatively(
        OrderLine, tables.order_lines, properties=_money(tables.order_lines, "unit_price", "tax", "total")
    )
    mapper.map_imperatively(
        Refund,
        tables.order_refunds,
        properties={
            "_amount": tables.order_refunds.c.amount,
            "_currency": tables.order_refunds.c.currency,
            "amount": composite(Money, tables.order_refunds.c.amount, tables.order_refunds.c.currency),
        },
    )
    mapper.map_imperatively(HistoryEntry, tables.order_history)
    table = tables.orders
    mapper.map_imperatively(
        Order,
        table,
        version_id_col=table.c.version,
        version_id_generator=False,
        properties=_money(table, "subtotal", "shipping", "tax", "total", "paid", "refunded")
        | {
            "lines": relationship(
                OrderLine,
                primaryjoin=_of_order(tables.order_lines),
                lazy="selectin",
                cascade="all, delete-orphan",
                order_by=tables.order_lines.c.position,
            ),
            "refunds": relationship(
                Refund,
                primaryjoin=_of_order(tables.order_refunds),
                lazy="selectin",
                cascade="all, delete-orphan",
                order_by=tables.order_refunds.c.id,
            ),
            # Only ever added to: the repository starts a loaded order with an empty list.
            "history": relationship(
                HistoryEntry, primaryjoin=_of_order(tables.order_history), lazy="raise", cascade="save-update, merge"
            ),
        },
    )


def _of_order(table: Table) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = tables.orders.c.id == foreign(table.c.order_id)
    return condition


def _money(table: Any, *names: str) -> dict[str, Any]:
    currency: Column[str] = table.c.currency
    properties: dict[str, Any] = {"_currency": currency}
    for name in names:
        amount = table.c[f"{name}_amount"]
        properties[f"_{name}"] = amount
        properties[name] = composite(Money, amount, currency)
    return properties
