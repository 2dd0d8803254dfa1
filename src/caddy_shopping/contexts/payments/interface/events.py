"""What payments reacts to."""

from caddy_shopping.contexts.payments.application.adopt_guest import AdoptGuest
from caddy_shopping.contexts.payments.application.refund_payment import RefundPayment
from caddy_shopping.contexts.payments.application.use_cases import UseCases
from caddy_shopping.contexts.payments.application.void_payment import VoidPayment
from caddy_shopping.contracts.orders import OrderCancelled, OrderRefundRequested
from caddy_shopping.contracts.users import GuestSignedIn
from caddy_shopping.platform.events.consumer import Consumer, on


def consumers(use_cases: UseCases) -> list[Consumer]:
    return [
        on(
            GuestSignedIn,
            "payments.guest-signed-in",
            use_cases.adopt_guest,
            lambda event: AdoptGuest(guest_id=event.guest_id, user_id=event.user_id),
        ),
        on(
            OrderCancelled,
            "payments.order-cancelled",
            use_cases.void_payment,
            lambda event: VoidPayment(order_id=event.order_id),
        ),
        on(
            OrderRefundRequested,
            "payments.order-refund-requested",
            use_cases.refund_payment,
            lambda event: RefundPayment(
                order_id=event.order_id,
                refund_id=event.refund_id,
                amount=event.amount,
                reason=event.reason,
                payment_id=event.payment_id,
            ),
        ),
    ]
