"""Everything that the orders context can do, on one screen."""

import msgspec

from caddy_shopping.contexts.orders.application.add_to_cart import AddToCartHandler
from caddy_shopping.contexts.orders.application.adopt_guest import AdoptGuestHandler
from caddy_shopping.contexts.orders.application.cancel_order import CancelOrderHandler
from caddy_shopping.contexts.orders.application.change_cart_item import ChangeCartItemHandler
from caddy_shopping.contexts.orders.application.complete_order import CompleteOrderHandler
from caddy_shopping.contexts.orders.application.expire_orders import ExpireOrderHandler
from caddy_shopping.contexts.orders.application.hear_of_payment import (
    ConfirmRefundHandler,
    FailRefundHandler,
    NoteDeclineHandler,
    PayOrderHandler,
)
from caddy_shopping.contexts.orders.application.keep_years import ArchiveYearHandler, PrepareYearsHandler
from caddy_shopping.contexts.orders.application.place_order import PlaceOrderHandler
from caddy_shopping.contexts.orders.application.purge_claims import PurgeClaimsHandler
from caddy_shopping.contexts.orders.application.queries import OrderQueries
from caddy_shopping.contexts.orders.application.quote_order import QuoteOrderHandler
from caddy_shopping.contexts.orders.application.read_orders import FindOrderHandler, ListOrdersHandler
from caddy_shopping.contexts.orders.application.refund_order import RefundOrderHandler
from caddy_shopping.contexts.orders.application.remove_cart_items import RemoveCartItemsHandler
from caddy_shopping.contexts.orders.application.retry_refund import RetryRefundHandler
from caddy_shopping.contexts.orders.application.return_goods import ReturnGoodsHandler
from caddy_shopping.contexts.orders.application.select_cart_items import SelectCartItemsHandler
from caddy_shopping.contexts.orders.application.settle_orders import SettleOrdersHandler
from caddy_shopping.contexts.orders.application.ship_order import ShipOrderHandler
from caddy_shopping.contexts.orders.application.show_cart import ShowCartHandler


class UseCases(msgspec.Struct, frozen=True):
    show_cart: ShowCartHandler
    add_to_cart: AddToCartHandler
    change_cart_item: ChangeCartItemHandler
    select_cart_items: SelectCartItemsHandler
    remove_cart_items: RemoveCartItemsHandler
    adopt_guest: AdoptGuestHandler

    quote_order: QuoteOrderHandler
    place_order: PlaceOrderHandler
    find_order: FindOrderHandler
    list_orders: ListOrdersHandler
    cancel_order: CancelOrderHandler
    ship_order: ShipOrderHandler
    complete_order: CompleteOrderHandler
    return_goods: ReturnGoodsHandler
    refund_order: RefundOrderHandler
    retry_refund: RetryRefundHandler

    pay_order: PayOrderHandler
    note_decline: NoteDeclineHandler
    confirm_refund: ConfirmRefundHandler
    fail_refund: FailRefundHandler
    expire_order: ExpireOrderHandler
    settle_orders: SettleOrdersHandler
    purge_claims: PurgeClaimsHandler
    prepare_years: PrepareYearsHandler
    archive_year: ArchiveYearHandler

    queries: OrderQueries
