"""Builds the orders context by hand: carts, quotes, orders and what becomes of them."""

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

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
from caddy_shopping.contexts.orders.application.use_cases import UseCases
from caddy_shopping.contexts.orders.domain.pricing import PriceRules, ShippingMethod, Tax
from caddy_shopping.contexts.orders.infrastructure import tables
from caddy_shopping.contexts.orders.infrastructure.repositories import SqlOrdersTransaction
from caddy_shopping.contexts.orders.infrastructure.views import SqlOrderQueries
from caddy_shopping.contexts.orders.interface.cart_http import CartController
from caddy_shopping.contexts.orders.interface.events import consumers
from caddy_shopping.contexts.orders.interface.http import OrderController
from caddy_shopping.contexts.orders.interface.jobs import jobs
from caddy_shopping.contexts.orders.interface.service import OrdersService
from caddy_shopping.contexts.orders.interface.staff_http import StaffOrderController
from caddy_shopping.contexts.orders.settings import OrdersSettings
from caddy_shopping.contracts.products import Products
from caddy_shopping.platform.db.years import years_of
from caddy_shopping.platform.http.app import routes_of
from caddy_shopping.platform.module import Kit, Module, Schema

schema = Schema("orders", tables.metadata, Path(__file__).parent / "infrastructure" / "migrations")


def build(kit: Kit, settings: OrdersSettings, products: Products) -> Module:
    """The orders context on `kit`."""
    use_cases = _use_cases(kit, settings, products)
    every = timedelta(seconds=settings.expire_every_seconds)
    return Module(
        "orders",
        use_cases,
        kit.run,
        routes=lambda: routes_of(use_cases, kit.run, [CartController, OrderController, StaffOrderController]),
        consumers=consumers(use_cases),
        service=OrdersService(use_cases, kit.run),
        jobs=jobs(use_cases, kit.run, kit.clock, every),
    )


def _use_cases(kit: Kit, settings: OrdersSettings, products: Products) -> UseCases:
    uow = kit.unit_of_work(SqlOrdersTransaction)
    clock = kit.clock
    queries, years = SqlOrderQueries(kit.database), years_of(kit.database, tables.YEARS)
    rules = price_rules(settings)
    return UseCases(
        show_cart=ShowCartHandler(queries, products),
        add_to_cart=AddToCartHandler(uow, clock, products),
        change_cart_item=ChangeCartItemHandler(uow, products),
        select_cart_items=SelectCartItemsHandler(uow, products),
        remove_cart_items=RemoveCartItemsHandler(uow, products),
        adopt_guest=AdoptGuestHandler(uow, clock),
        quote_order=QuoteOrderHandler(queries, products, rules),
        place_order=PlaceOrderHandler(
            uow=uow,
            clock=clock,
            queries=queries,
            products=products,
            rules=rules,
            window=timedelta(minutes=settings.payment_minutes),
            hold=settings.hold_seconds,
        ),
        find_order=FindOrderHandler(queries),
        list_orders=ListOrdersHandler(queries),
        cancel_order=CancelOrderHandler(uow, clock),
        ship_order=ShipOrderHandler(uow, clock),
        complete_order=CompleteOrderHandler(uow, clock),
        return_goods=ReturnGoodsHandler(uow, clock),
        refund_order=RefundOrderHandler(uow, clock),
        retry_refund=RetryRefundHandler(uow, clock),
        pay_order=PayOrderHandler(uow, clock),
        note_decline=NoteDeclineHandler(uow, clock),
        confirm_refund=ConfirmRefundHandler(uow, clock),
        fail_refund=FailRefundHandler(uow, clock),
        expire_order=ExpireOrderHandler(uow, clock),
        settle_orders=SettleOrdersHandler(uow, clock),
        purge_claims=PurgeClaimsHandler(uow, clock, timedelta(days=settings.keep_refused_days)),
        prepare_years=PrepareYearsHandler(years, clock),
        archive_year=ArchiveYearHandler(years, clock, queries.unfinished),
        queries=queries,
    )


def price_rules(settings: OrdersSettings) -> PriceRules:
    """The domain's rules from what the environment says."""
    methods = [
        ShippingMethod(
            code=method.code,
            names={"en": method.name, "zh": method.name_zh},
            price=str(method.price),
            per_kg=str(method.per_kg),
            free_from=None if method.free_from is None else str(method.free_from),
            countries=method.countries,
        )
        for method in settings.shipping_methods
    ]
    rates = {category: Fraction(rate) for category, rate in settings.tax_rates.items()}
    return PriceRules(methods, Tax(settings.tax_included, Fraction(settings.tax_rate), rates, settings.tax_shipping))
