"""What payments answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.domain.payment import Payment, PaymentStatus
from caddy_shopping.contexts.payments.domain.refund import RefundStatus
from caddy_shopping.kernel.money import Money


class PaymentView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A payment as its buyer sees it.

    `reason` is the provider's code where it was declined. `refunded` counts refunds under way and done.
    """

    id: UUID
    order_id: UUID
    order_number: str
    status: PaymentStatus
    method: Annotated[str, msgspec.Meta(examples=["sandbox_ok"])]
    amount: Money
    captured: Money
    refunded: Money
    reason: Annotated[str | None, msgspec.Meta(examples=["card_declined"])]
    created_at: datetime
    version: int

    @classmethod
    def of(cls, payment: Payment) -> "PaymentView":
        return cls(
            id=payment.id,
            order_id=payment.order_id,
            order_number=payment.order_number,
            status=payment.status,
            method=payment.method,
            amount=payment.amount,
            captured=payment.captured,
            refunded=payment.refunded,
            reason=payment.reason,
            created_at=payment.created_at,
            version=payment.version,
        )


class StaffPaymentView(PaymentView, frozen=True, kw_only=True, rename="camel"):
    """A payment as staff sees it. `reference` is the provider's own name for it."""

    user_id: UUID
    provider: str
    reference: str | None
    checked_at: datetime


class RefundView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`reason` is why the order asked for it, `failure` the provider's code where it FAILED."""

    id: UUID
    status: RefundStatus
    amount: Money
    reason: str
    failure: str | None
    created_at: datetime


class WebhookView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A webhook about this payment; `processed_at` is None while it waits, `error` says why."""

    event_id: str
    type: str
    received_at: datetime
    processed_at: datetime | None
    attempts: int
    error: str | None


class PaymentDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything that is known of one payment, webhooks in the order they came."""

    payment: StaffPaymentView
    refunds: list[RefundView]
    webhooks: list[WebhookView]


class WebhookReceipt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The webhook is in safe hands; `duplicate` says that it was before."""

    event_id: str
    duplicate: bool
