"""Which events people hear of, and with which facts."""

from collections.abc import Callable
from typing import Any, TypeVar

from caddy_shopping.contexts.notifications.application.adopt_guest import AdoptGuest
from caddy_shopping.contexts.notifications.application.notify import Notify
from caddy_shopping.contexts.notifications.application.use_cases import UseCases
from caddy_shopping.contexts.notifications.domain.kinds import MailKind, NoticeKind
from caddy_shopping.contracts.orders import (
    OrderCancelled,
    OrderCompleted,
    OrderEvent,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRefundRequested,
    OrderReturned,
    OrderShipped,
)
from caddy_shopping.contracts.users import (
    EmailConfirmationRequested,
    GuestSignedIn,
    PasswordResetRequested,
    UserRegistered,
)
from caddy_shopping.kernel.events import Event
from caddy_shopping.platform.events.consumer import Consumer, on

E = TypeVar("E", bound=Event)


def consumers(use_cases: UseCases) -> list[Consumer]:
    def tell(event: type[E], name: str, command: Callable[[E], Notify]) -> Consumer:
        # It only adds rows.
        return on(event, name, use_cases.notify, command, together=True)

    return [
        tell(UserRegistered, "notifications.user-registered", welcome),
        tell(EmailConfirmationRequested, "notifications.confirm-address", confirm_address),
        tell(PasswordResetRequested, "notifications.reset-password", reset_password),
        on(GuestSignedIn, "notifications.guest-signed-in", use_cases.adopt_guest, adopt_guest),
        tell(OrderPlaced, "notifications.order-placed", order_placed),
        tell(OrderPaid, "notifications.order-paid", order_paid),
        tell(OrderShipped, "notifications.order-shipped", order_shipped),
        tell(OrderCompleted, "notifications.order-completed", order_completed),
        tell(OrderCancelled, "notifications.order-cancelled", order_cancelled),
        tell(OrderReturned, "notifications.order-returned", order_returned),
        tell(OrderRefundRequested, "notifications.refund-requested", refund_requested),
        tell(OrderRefunded, "notifications.order-refunded", order_refunded),
    ]


def welcome(event: UserRegistered) -> Notify:
    return Notify(
        user_id=event.user_id,
        notice=NoticeKind.WELCOME,
        mail=MailKind.WELCOME,
        address=event.email,
        language=event.language,
        data={"name": event.name},
    )


def confirm_address(event: EmailConfirmationRequested) -> Notify:
    return _security(event, MailKind.CONFIRM)


def reset_password(event: PasswordResetRequested) -> Notify:
    return _security(event, MailKind.RESET)


def adopt_guest(event: GuestSignedIn) -> AdoptGuest:
    return AdoptGuest(guest_id=event.guest_id, user_id=event.user_id)


def order_placed(event: OrderPlaced) -> Notify:
    return _order(
        event,
        NoticeKind.ORDER_PLACED,
        MailKind.ORDER_PLACED,
        {"total": event.total},
        {"lines": event.lines, "expires_at": event.expires_at},
    )


def order_paid(event: OrderPaid) -> Notify:
    return _order(event, NoticeKind.ORDER_PAID, MailKind.ORDER_PAID, {"total": event.total}, {"lines": event.lines})


def order_shipped(event: OrderShipped) -> Notify:
    parcel = {"carrier": event.carrier, "tracking_number": event.tracking_number}
    return _order(event, NoticeKind.ORDER_SHIPPED, MailKind.ORDER_SHIPPED, parcel)


def order_completed(event: OrderCompleted) -> Notify:
    return _order(event, NoticeKind.ORDER_COMPLETED)


def order_cancelled(event: OrderCancelled) -> Notify:
    return _order(
        event,
        NoticeKind.ORDER_CANCELLED,
        MailKind.ORDER_CANCELLED,
        {"reason": event.reason or "–"},
        {"was_paid": event.was_paid},
    )


def order_returned(event: OrderReturned) -> Notify:
    return _order(event, NoticeKind.ORDER_RETURNED)


def refund_requested(event: OrderRefundRequested) -> Notify:
    return _order(event, NoticeKind.ORDER_REFUND_REQUESTED, None, {"amount": event.amount})


def order_refunded(event: OrderRefunded) -> Notify:
    return _order(
        event,
        NoticeKind.ORDER_REFUNDED,
        MailKind.ORDER_REFUNDED,
        {"amount": event.amount},
        {"refunded": event.refunded, "total": event.total},
    )


def _security(event: EmailConfirmationRequested | PasswordResetRequested, kind: MailKind) -> Notify:
    """By mail alone: a token in the list would be seen by whoever has the account open."""
    return Notify(
        user_id=event.user_id,
        mail=kind,
        address=event.email,
        language=event.language,
        data={},
        mail_data={"name": event.name, "token": event.token},
    )


def _order(
    event: OrderEvent,
    notice: NoticeKind,
    mail: MailKind | None = None,
    data: dict[str, Any] | None = None,
    mail_data: dict[str, Any] | None = None,
) -> Notify:
    return Notify(
        user_id=event.user_id,
        notice=notice,
        mail=mail,
        address=event.email,
        language=event.language,
        data={"number": event.number, "order_id": event.order_id, **(data or {})},
        mail_data=mail_data or {},
    )
