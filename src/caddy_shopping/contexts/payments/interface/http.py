"""Payments over HTTP."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from litestar import Controller, Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.params import QueryParameter

from caddy_shopping.contexts.payments.application.process_webhook import ProcessWebhook
from caddy_shopping.contexts.payments.application.queries import PaymentFilter
from caddy_shopping.contexts.payments.application.receive_webhook import ReceiveWebhook
from caddy_shopping.contexts.payments.application.reconcile_payment import ReconcilePayment
from caddy_shopping.contexts.payments.application.start_payment import StartPayment
from caddy_shopping.contexts.payments.application.use_cases import UseCases
from caddy_shopping.contexts.payments.application.views import (
    PaymentDetail,
    PaymentView,
    StaffPaymentView,
    WebhookReceipt,
)
from caddy_shopping.contexts.payments.domain.errors import (
    OrderNotPayable,
    OrderPaymentExpired,
    PaymentInProgress,
    PaymentMethodUnknown,
    PaymentNotFound,
    ProviderUnavailable,
    ProviderUnknown,
    WebhookMalformed,
)
from caddy_shopping.contexts.payments.domain.payment import PaymentStatus
from caddy_shopping.contexts.payments.interface.webhook_document import webhook_document
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.kernel.actor import Actor, PermissionMissing
from caddy_shopping.kernel.errors import TooLarge
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.conditional import tagged
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.idempotency import once
from caddy_shopping.platform.http.wire import ApiResponse, Body, PaginatedResponse, paginated
from caddy_shopping.platform.security.signatures import WebhookSignatureInvalid, WebhookTimestampInvalid

log = structlog.get_logger("payments")
WEBHOOK_LIMIT = 64 * 1024
"""Bytes. The events of payment providers are a few kilobytes."""
HttpRequest = Request[Any, Any, Any]


async def process(use_cases: UseCases, run: Executor, command: ProcessWebhook) -> None:
    """Let a webhook have its effect, after its sender was answered."""
    try:
        await run(use_cases.process_webhook, command)
    except Exception:
        # Nobody waits for this any more. The row is still there, as after a crash: the sweeping job finds it.
        log.exception("webhook.not_processed", webhook_id=str(command.webhook.id))


class StartPaymentBody(Body, frozen=True):
    order_id: UUID
    method: Annotated[str, msgspec.Meta(min_length=1, max_length=64, examples=["sandbox_ok", "sandbox_declined"])]


class PaymentController(Controller):
    path = "/api/v1/payments"
    tags = ("payments",)

    @post(
        "",
        summary="Pay an order",
        **documented(
            OrderNotFound,
            OrderNotPayable,
            OrderPaymentExpired,
            PaymentInProgress,
            PaymentMethodUnknown,
            ProviderUnavailable,
            idempotent=True,
        ),
    )
    async def start(
        self, request: HttpRequest, data: StartPaymentBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[PaymentView]]:
        command = StartPayment(actor=actor, order_id=data.order_id, method=data.method)
        return await once(
            request,
            run,
            use_cases.start_payment,
            command,
            status=201,
            location=lambda view: f"/api/v1/payments/{view.id}",
            version=lambda view: view.version,
        )

    @get("", summary="List my payments for an order", **documented(CursorInvalid))
    async def of_order(
        self,
        use_cases: UseCases,
        actor: Actor,
        page: PageRequest,
        order_id: Annotated[UUID, QueryParameter(name="orderId", description="The order that was to be paid.")],
    ) -> PaginatedResponse[PaymentView]:
        """The caller's own payments for one order, latest first; none where the order is somebody else's."""
        return paginated(await use_cases.queries.of_order(actor=actor, order_id=order_id, page=page), page)

    @get("/{payment_id:uuid}", summary="See how my payment stands", **documented(PaymentNotFound))
    async def show(
        self, request: HttpRequest, payment_id: UUID, use_cases: UseCases, actor: Actor
    ) -> Response[ApiResponse[PaymentView]]:
        """A payment starts as CREATED, is PENDING while the provider works, and ends SUCCEEDED, DECLINED or VOIDED."""
        view = await use_cases.queries.payment(actor=actor, payment_id=payment_id)
        return tagged(request, view, version=view.version)


class WebhookController(Controller):
    path = "/api/v1/payments/webhooks"
    tags = ("payments",)

    @post(
        "/{provider:str}",
        status_code=200,
        summary="Receive a provider's webhook",
        **documented(
            ProviderUnknown,
            WebhookSignatureInvalid,
            WebhookTimestampInvalid,
            WebhookMalformed,
            public=True,
            document=webhook_document(WEBHOOK_LIMIT),
        ),
    )
    async def receive(
        self, request: HttpRequest, provider: str, use_cases: UseCases, run: Executor
    ) -> Response[ApiResponse[WebhookReceipt]]:
        """For payment providers: a signed event (Standard Webhooks). The same event may come any number of times.

        The headers `webhook-id`, `webhook-timestamp` and `webhook-signature` prove the raw body. The answer is
        given once the event is kept; what it says takes effect right after.
        """
        body = await request.body()
        if len(body) > WEBHOOK_LIMIT:
            raise TooLarge(limit=WEBHOOK_LIMIT)
        command = ReceiveWebhook(provider=provider, headers=request.headers, body=body)
        received = await run(use_cases.receive_webhook, command)
        pending = received.pending
        later = None
        if pending is not None:
            later = BackgroundTask(process, use_cases, run, ProcessWebhook(webhook=pending))
        receipt = WebhookReceipt(event_id=received.event_id, duplicate=pending is None)
        return Response(ApiResponse(receipt), background=later)


class AdminPaymentController(Controller):
    path = "/api/v1/admin/payments"
    tags = ("payments (staff)",)

    @get("", summary="List payments", **documented(PermissionMissing, CursorInvalid))
    async def search(
        self,
        use_cases: UseCases,
        actor: Actor,
        page: PageRequest,
        status: Annotated[PaymentStatus | None, QueryParameter(name="status", required=False)] = None,
        order_id: Annotated[UUID | None, QueryParameter(name="orderId", required=False)] = None,
        user_id: Annotated[UUID | None, QueryParameter(name="userId", required=False)] = None,
        provider: Annotated[str | None, QueryParameter(name="provider", max_length=32, required=False)] = None,
        created_from: Annotated[datetime | None, QueryParameter(name="createdFrom", required=False)] = None,
        created_before: Annotated[datetime | None, QueryParameter(name="createdBefore", required=False)] = None,
    ) -> PaginatedResponse[StaffPaymentView]:
        """All payments, latest first. Takes `payments:manage`."""
        wanted = PaymentFilter(
            status=status,
            order_id=order_id,
            user_id=user_id,
            provider=provider,
            created_from=created_from,
            created_before=created_before,
        )
        return paginated(await use_cases.queries.payments(actor=actor, wanted=wanted, page=page), page)

    @get("/{payment_id:uuid}", summary="Show a payment", **documented(PermissionMissing, PaymentNotFound))
    async def show(self, payment_id: UUID, use_cases: UseCases, actor: Actor) -> ApiResponse[PaymentDetail]:
        """A payment with its refunds and every webhook that came for it. Takes `payments:manage`."""
        return ApiResponse(await use_cases.queries.detail(actor=actor, payment_id=payment_id))

    @post(
        "/{payment_id:uuid}/reconcile",
        status_code=200,
        summary="Ask the provider about a payment",
        **documented(PermissionMissing, PaymentNotFound, ProviderUnavailable),
    )
    async def reconcile(
        self, payment_id: UUID, use_cases: UseCases, run: Executor, actor: Actor
    ) -> ApiResponse[PaymentDetail]:
        """Ask the provider how the payment and its refunds stand, take that in, and show the result.

        Safe to repeat. Takes `payments:manage`.
        """
        await run(use_cases.reconcile_payment, ReconcilePayment(actor=actor, payment_id=payment_id))
        return ApiResponse(await use_cases.queries.detail(actor=actor, payment_id=payment_id))
