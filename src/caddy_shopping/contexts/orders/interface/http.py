"""Orders over HTTP, as their buyers use them."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import PathParameter, QueryParameter

from caddy_shopping.contexts.orders.application.cancel_order import CancelOrder
from caddy_shopping.contexts.orders.application.place_order import PlaceOrder
from caddy_shopping.contexts.orders.application.queries import OrderFilter
from caddy_shopping.contexts.orders.application.quote_order import QuoteOrder
from caddy_shopping.contexts.orders.application.read_orders import FindOrder, ListOrders
from caddy_shopping.contexts.orders.application.use_cases import UseCases
from caddy_shopping.contexts.orders.application.views import OrderDetail, OrderSummary, OrderView, QuoteView
from caddy_shopping.contexts.orders.domain import errors
from caddy_shopping.contexts.orders.domain.order import OrderStatus
from caddy_shopping.contexts.orders.interface.bodies import CancelBody, PlaceBody, QuoteBody
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.contracts.products import OutOfStock
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.paging import PageRequest
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.conditional import tagged
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.idempotency import once
from caddy_shopping.platform.http.wire import ApiResponse, PaginatedResponse, paginated

_PRICING = (
    errors.CartEmpty,
    errors.NoLongerSold,
    errors.CurrenciesMixed,
    errors.ShippingMethodUnknown,
    errors.NothingShipsThere,
    errors.TotalTooLarge,
)
_PLACING = (
    errors.AddressRequired,
    errors.EmailRequired,
    errors.PriceChanged,
    errors.CartChanged,
    errors.OrderTimedOut,
    OutOfStock,
)
Status = Annotated[
    OrderStatus | None, QueryParameter(name="status", description="Only orders in this state.", required=False)
]
Reference = Annotated[str, PathParameter(description="The order's id, or its number in any spelling.", max_length=64)]


class OrderController(Controller):
    path = "/api/v1/orders"
    tags = ("orders",)

    @post("/quote", summary="Price my cart", status_code=200, **documented(*_PRICING))
    async def quote(self, data: QuoteBody, use_cases: UseCases, run: Executor, actor: Actor) -> ApiResponse[QuoteView]:
        """Prices the selected lines with shipping and tax; `steps` explains each amount. Reserves nothing."""
        command = QuoteOrder(actor=actor, shipping_method=data.shipping_method, address=data.address)
        return ApiResponse(await run(use_cases.quote_order, command))

    @post("", summary="Place an order", **documented(*_PRICING, *_PLACING, idempotent=True))
    async def place(
        self, request: Request[Any, Any, Any], data: PlaceBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[OrderView]]:
        """Orders the selected lines of the cart: their stock is reserved, and they leave the cart.

        The order awaits its payment until `expiresAt`.
        """
        command = PlaceOrder(
            actor=actor,
            shipping_method=data.shipping_method,
            address=data.address,
            email=data.email,
            note=data.note,
            expected_total=data.expected_total,
        )
        return await once(
            request, run, use_cases.place_order, command, location=lambda order: f"/api/v1/orders/{order.id}"
        )

    @get("", summary="List my orders", **documented())
    async def list(
        self, use_cases: UseCases, run: Executor, actor: Actor, page: PageRequest, status: Status = None
    ) -> PaginatedResponse[OrderSummary]:
        """Latest first."""
        command = ListOrders(actor=actor, wanted=OrderFilter(status=status), page=page)
        return paginated(await run(use_cases.list_orders, command), page)

    @get("/{reference:str}", summary="Show one of my orders", **documented(OrderNotFound))
    async def show(
        self, request: Request[Any, Any, Any], reference: Reference, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[OrderDetail]]:
        """By id or by number, with lines, refunds and history."""
        order = await run(use_cases.find_order, FindOrder(actor=actor, reference=reference))
        return tagged(request, order, version=order.version)

    @post(
        "/{order_id:uuid}/cancel",
        summary="Cancel one of my orders",
        status_code=200,
        **documented(OrderNotFound, errors.OrderStateWrong, idempotent=True),
    )
    async def cancel(
        self,
        request: Request[Any, Any, Any],
        order_id: UUID,
        data: CancelBody,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[OrderView]]:
        """Before it ships. Its stock goes back, and so does what was paid."""
        command = CancelOrder(actor=actor, order_id=order_id, reason=data.reason)
        return await once(request, run, use_cases.cancel_order, command, status=200)
