"""What the sandbox's webhooks say, and how we read them."""

from datetime import datetime
from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.application.ports import Notice
from caddy_shopping.contexts.payments.domain.payment import PaymentStatus, Sighting
from caddy_shopping.contexts.payments.domain.refund import RefundSighting, RefundStatus
from caddy_shopping.kernel.money import Money


class MessageData(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    payment_id: UUID
    reference: str
    amount: Money
    refund_id: UUID | None = None
    reason: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of one webhook, laid out as Standard Webhooks recommends."""

    type: str
    timestamp: datetime
    data: MessageData


_PAYMENTS = {
    "payment.processing": PaymentStatus.PENDING,
    "payment.authorized": PaymentStatus.PENDING,
    "payment.succeeded": PaymentStatus.SUCCEEDED,
    "payment.declined": PaymentStatus.DECLINED,
    "payment.voided": PaymentStatus.VOIDED,
}
_REFUNDS = {"refund.succeeded": RefundStatus.SUCCEEDED, "refund.failed": RefundStatus.FAILED}


def notice_of(event_id: str, message: Message) -> Notice:
    """The message in the shop's words. A type that we do not know is a notice about nothing."""
    data = message.data
    status, refund_status = _PAYMENTS.get(message.type), _REFUNDS.get(message.type)
    payment = refund = None
    if status is not None:
        payment = Sighting(
            status=status,
            reference=data.reference,
            reason=data.reason,
            captured=data.amount if status is PaymentStatus.SUCCEEDED else None,
            capturable=message.type == "payment.authorized",
        )
    elif refund_status is not None:
        refund = RefundSighting(status=refund_status, reference=data.reference, reason=data.reason)
    return Notice(
        event_id=event_id,
        type=message.type,
        payment_id=data.payment_id,
        refund_id=data.refund_id,
        payment=payment,
        refund=refund,
    )
