"""What the catalogue does about what happens to orders."""

from caddy_shopping.contexts.products.application.settle_stock import CancelSale, RestockReturn, SellStock
from caddy_shopping.contexts.products.application.use_cases import UseCases
from caddy_shopping.contracts.orders import OrderCancelled, OrderLineFact, OrderPaid, OrderReturned
from caddy_shopping.contracts.products import ReservationLine
from caddy_shopping.platform.events.consumer import Consumer, on


def consumers(use_cases: UseCases) -> list[Consumer]:
    """Stock follows the order: paid → sold; cancelled → back on the shelf; returned → back as well."""
    return [
        on(OrderPaid, "products.order-paid", use_cases.sell_stock, lambda e: SellStock(order_id=e.order_id)),
        on(OrderCancelled, "products.order-cancelled", use_cases.cancel_sale, _cancel),
        on(OrderReturned, "products.order-returned", use_cases.restock_return, _restock),
    ]


def _cancel(event: OrderCancelled) -> CancelSale:
    return CancelSale(order_id=event.order_id, lines=_units(event.lines))


def _restock(event: OrderReturned) -> RestockReturn:
    return RestockReturn(order_id=event.order_id, return_id=event.return_id, lines=_units(event.lines))


def _units(lines: list[OrderLineFact]) -> list[ReservationLine]:
    return [ReservationLine(line.variant_id, line.quantity) for line in lines]
