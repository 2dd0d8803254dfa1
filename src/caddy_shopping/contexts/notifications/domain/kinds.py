"""What people are told, in the shop and by mail."""

from enum import StrEnum


class NoticeKind(StrEnum):
    """What an in-app notification is about."""

    WELCOME = "welcome"
    ORDER_PLACED = "order_placed"
    ORDER_PAID = "order_paid"
    ORDER_SHIPPED = "order_shipped"
    ORDER_COMPLETED = "order_completed"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_RETURNED = "order_returned"
    ORDER_REFUND_REQUESTED = "order_refund_requested"
    ORDER_REFUNDED = "order_refunded"


class MailKind(StrEnum):
    """What an e-mail is about; its templates are called by this name."""

    WELCOME = "welcome"
    CONFIRM = "confirm_address"
    RESET = "reset_password"
    ORDER_PLACED = "order_placed"
    ORDER_PAID = "order_paid"
    ORDER_SHIPPED = "order_shipped"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REFUNDED = "order_refunded"

    @property
    def always(self) -> bool:
        """Whether it goes out whatever its reader prefers: without it an account could not be got back."""
        return self in (MailKind.CONFIRM, MailKind.RESET)
