"""Orders over HTTP, as staff work on them. All of it takes the permission `orders:manage`."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import QueryParameter

from caddy_shopping.contexts.orders.application.cancel_order import CancelOrder
from caddy_shopping.contexts.orders.application.complete_order import CompleteOrder
from caddy_shopping.contexts.orders.application.queries import OrderFilter
from caddy_shopping.contexts.orders.application.read_orders import FindOrder, ListOrders
from caddy_shopping.contexts.orders.application.refund_order import RefundOrder
from caddy_shopping.contexts.orders.application.retry_refund import RetryRefund
from caddy_shopping.contexts.orders.application.return_goods import ReturnGoods
from caddy_shopping.contexts.orders.application.ship_order import ShipOrder
from caddy_shopping.contexts.orders.application.use_cases import UseCases
from caddy_shopping.contexts.orders.application.views import OrderDetail, OrderSummary, OrderView
from caddy_shopping.contexts.orders.domain.errors import (
    NotReturnable,
    OrderLineNotFound,
    OrderStateWrong,
    RefundNotFailed,
    RefundNotFound,
    RefundTooLarge,
    RefundUnclear,
    RefundUnderWay,
)
from caddy_shopping.contexts.orders.interface.bodies import LineUnits, RefundBody, ReturnBody, ShipBody, StaffCancelBody
from caddy_shopping.contexts.orders.interface.http import Reference, Status
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.money import CurrencyMismatch
from caddy_shopping.kernel.paging import PageRequest
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.conditional import if_match, tagged
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.idempotency import once
from caddy_shopping.platform.http.wire import ApiResponse, PaginatedResponse, paginated

User = Annotated[UUID | None, QueryParameter(name="userId", required=False)]
Number = Annotated[str | None, QueryParameter(name="number", max_length=64, required=False)]
Email = Annotated[
    str | None, QueryParameter(name="email", max_length=254, pattern=r"^[^\x00-\x20]+$(?!\n)", required=False)
]
From = Annotated[
    datetime | None, QueryParameter(name="placedFrom", description="Placed then or later (UTC).", required=False)
]
Before = Annotated[
    datetime | None, QueryParameter(name="placedBefore", description="Placed before (UTC).", required=False)
]


class StaffOrderController(Controller):
    path = "/api/v1/admin/orders"
    tags = ("orders (staff)",)

    @get("", summary="List orders", **documented())
    async def list(
        self,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
        page: PageRequest,
        status: Status = None,
        user_id: User = None,
        number: Number = None,
        email: Email = None,
        placed_from: From = None,
        placed_before: Before = None,
    ) -> PaginatedResponse[OrderSummary]:
        """Latest first; all filters that are given must hold."""
        wanted = OrderFilter(
            user_id=user_id,
            status=status,
            number=number,
            email=email,
            placed_from=_utc(placed_from),
            placed_before=_utc(placed_before),
        )
        command = ListOrders(actor=actor, wanted=wanted, page=page, as_staff=True)
        return paginated(await run(use_cases.list_orders, command), page)

    @get("/{reference:str}", summary="Show an order", **documented(OrderNotFound))
    async def show(
        self, request: Request[Any, Any, Any], reference: Reference, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[OrderDetail]]:
        """By id or by number, with lines, refunds and history."""
        order = await run(use_cases.find_order, FindOrder(actor=actor, reference=reference, as_staff=True))
        return tagged(request, order, version=order.version)

    @post(
        "/{order_id:uuid}/ship",
        summary="Ship an order",
        status_code=200,
        **documented(OrderNotFound, OrderStateWrong, RefundUnderWay, if_match=True),
    )
    async def ship(
        self,
        request: Request[Any, Any, Any],
        order_id: UUID,
        data: ShipBody,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[OrderView]]:
        """A paid order left the house; the buyer gets carrier and tracking number."""
        command = ShipOrder(
            actor=actor,
            order_id=order_id,
            version=if_match(request),
            carrier=data.carrier,
            tracking_number=data.tracking_number,
        )
        order = await run(use_cases.ship_order, command)
        return tagged(request, order, version=order.version)

    @post(
        "/{order_id:uuid}/complete",
        summary="Complete an order",
        status_code=200,
        **documented(OrderNotFound, OrderStateWrong, if_match=True),
    )
    async def complete(
        self, request: Request[Any, Any, Any], order_id: UUID, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[OrderView]]:
        """A shipped order arrived."""
        command = CompleteOrder(actor=actor, order_id=order_id, version=if_match(request))
        order = await run(use_cases.complete_order, command)
        return tagged(request, order, version=order.version)

    @post(
        "/{order_id:uuid}/cancel",
        summary="Cancel an order",
        status_code=200,
        **documented(OrderNotFound, OrderStateWrong, idempotent=True, if_match=True),
    )
    async def cancel(
        self,
        request: Request[Any, Any, Any],
        order_id: UUID,
        data: StaffCancelBody,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[OrderView]]:
        """Before it ships. Its stock goes back, and so does what was paid."""
        command = CancelOrder(
            actor=actor, order_id=order_id, reason=data.reason, as_staff=True, version=if_match(request)
        )
        return await once(request, run, use_cases.cancel_order, command, status=200, version=_version)

    @post(
        "/{order_id:uuid}/return",
        summary="Take goods back",
        status_code=200,
        **documented(OrderNotFound, OrderLineNotFound, OrderStateWrong, NotReturnable, idempotent=True, if_match=True),
    )
    async def take_back(
        self,
        request: Request[Any, Any, Any],
        order_id: UUID,
        data: ReturnBody,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[OrderView]]:
        """Goods of a shipped order came back; `restock` puts them on the shelf. Money is refunded separately."""
        command = ReturnGoods(
            actor=actor,
            order_id=order_id,
            version=if_match(request),
            lines=_units(data.lines),
            restock=data.restock,
        )
        return await once(request, run, use_cases.return_goods, command, status=200, version=_version)

    @post(
        "/{order_id:uuid}/refund",
        summary="Refund an order",
        status_code=200,
        **documented(
            OrderNotFound,
            OrderLineNotFound,
            OrderStateWrong,
            NotReturnable,
            RefundTooLarge,
            RefundUnclear,
            CurrencyMismatch,
            idempotent=True,
            if_match=True,
        ),
    )
    async def refund(
        self,
        request: Request[Any, Any, Any],
        order_id: UUID,
        data: RefundBody,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[OrderView]]:
        """In part or whole, by `amount` or by `lines`. Refunds together never exceed what was paid."""
        command = RefundOrder(
            actor=actor,
            order_id=order_id,
            version=if_match(request),
            reason=data.reason,
            amount=data.amount,
            lines=None if data.lines is None else _units(data.lines),
            restock=data.restock,
        )
        return await once(request, run, use_cases.refund_order, command, status=200, version=_version)

    @post(
        "/{order_id:uuid}/refunds/{refund_id:uuid}/retry",
        summary="Ask for a failed refund again",
        status_code=200,
        **documented(
            OrderNotFound,
            RefundNotFound,
            RefundNotFailed,
            NotReturnable,
            RefundTooLarge,
            RefundUnclear,
            idempotent=True,
            if_match=True,
        ),
    )
    async def retry_refund(
        self,
        request: Request[Any, Any, Any],
        order_id: UUID,
        refund_id: UUID,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[OrderView]]:
        """A new refund of the same payment is made; money that was not due (late, twice, wrong) has no other way."""
        command = RetryRefund(actor=actor, order_id=order_id, refund_id=refund_id, version=if_match(request))
        return await once(request, run, use_cases.retry_refund, command, status=200, version=_version)


def _version(order: OrderView) -> int:
    return order.version


def _units(lines: list[LineUnits]) -> list[tuple[UUID, int]]:
    return [(line.line_id, line.quantity) for line in lines]


def _utc(moment: datetime | None) -> datetime | None:
    """A moment without a zone is meant as UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
