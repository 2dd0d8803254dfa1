"""What the catalogue does about what happens to orders."""

from caddy_shopping.contexts.products.application.settle_stock import CancelSale, RestockReturn, SellStock
from caddy_shopping.contexts.products.application.use_cases import UseCases
from caddy_shopping.contracts.orders import OrderCancelled, OrderPaid, OrderReturned
from caddy_shopping.contracts.products import ReservationLine
from caddy_shopping.platform.events.consumer import Consumer, on


def consumers(use_cases: UseCases) -> list[Consumer]:
    """Stock follows the order: paid → sold; cancelled → back on the shelf; returned → back as well."""
    return [
        on(OrderPaid, "products.order-paid", use_cases.sell_stock, lambda e: SellStock(order_id=e.order_id)),
        on(
            OrderCancelled,
            "products.order-cancelled",
            use_cases.cancel_sale,
            lambda e: CancelSale(order_id=e.order_id),
        ),
        on(OrderReturned, "products.order-returned", use_cases.restock_return, _restock),
    ]


def _restock(event: OrderReturned) -> RestockReturn:
    lines = [ReservationLine(line.variant_id, line.quantity) for line in event.lines]
    return RestockReturn(return_id=event.return_id, lines=lines)
