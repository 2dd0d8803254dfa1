"""What the payments context publishes to the others."""

from typing import ClassVar
from uuid import UUID

from caddy_shopping.kernel.events import Event
from caddy_shopping.kernel.money import Money


class PaymentEvent(Event, frozen=True, kw_only=True):
    """Keyed by the order, so that an order hears of its payments in their order."""

    topic: ClassVar[str] = "payments"
    payment_id: UUID
    order_id: UUID

    @property
    def key(self) -> UUID:
        return self.order_id


class PaymentSucceeded(PaymentEvent, frozen=True, kw_only=True):
    """`amount` was captured. It may come late: the order may be cancelled by now."""

    amount: Money


class PaymentDeclined(PaymentEvent, frozen=True, kw_only=True):
    """The provider said no; `reason` is its code. The buyer may try again with a new payment."""

    reason: str


class PaymentRefunded(PaymentEvent, frozen=True, kw_only=True):
    """The provider confirmed the refund that the order asked for."""

    refund_id: UUID
    amount: Money


class PaymentRefundFailed(PaymentEvent, frozen=True, kw_only=True):
    """The provider refused the refund for good; a person has to look at it."""

    refund_id: UUID
    amount: Money
    reason: str
