"""Which events of others the orders context reacts to."""

from caddy_shopping.contexts.orders.application.adopt_guest import AdoptGuest
from caddy_shopping.contexts.orders.application.hear_of_payment import ConfirmRefund, FailRefund, NoteDecline, PayOrder
from caddy_shopping.contexts.orders.application.use_cases import UseCases
from caddy_shopping.contracts.payments import PaymentDeclined, PaymentRefunded, PaymentRefundFailed, PaymentSucceeded
from caddy_shopping.contracts.users import GuestSignedIn
from caddy_shopping.platform.events.consumer import Consumer, on


def consumers(use_cases: UseCases) -> list[Consumer]:
    return [
        on(
            GuestSignedIn,
            "orders.guest-signed-in",
            use_cases.adopt_guest,
            lambda e: AdoptGuest(guest_id=e.guest_id, user_id=e.user_id),
        ),
        on(
            PaymentSucceeded,
            "orders.payment-succeeded",
            use_cases.pay_order,
            lambda e: PayOrder(order_id=e.order_id, payment_id=e.payment_id, amount=e.amount),
        ),
        on(
            PaymentDeclined,
            "orders.payment-declined",
            use_cases.note_decline,
            lambda e: NoteDecline(order_id=e.order_id, reason=e.reason),
        ),
        on(
            PaymentRefunded,
            "orders.payment-refunded",
            use_cases.confirm_refund,
            lambda e: ConfirmRefund(order_id=e.order_id, refund_id=e.refund_id, amount=e.amount),
        ),
        on(
            PaymentRefundFailed,
            "orders.payment-refund-failed",
            use_cases.fail_refund,
            lambda e: FailRefund(order_id=e.order_id, refund_id=e.refund_id, amount=e.amount, reason=e.reason),
        ),
    ]
