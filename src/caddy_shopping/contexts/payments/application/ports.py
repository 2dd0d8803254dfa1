"""What the use cases need of the outside: a transaction, and the provider that moves the money."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.domain.payment import Payments, Sighting
from caddy_shopping.contexts.payments.domain.refund import Refunds, RefundSighting
from caddy_shopping.contexts.payments.domain.webhook import Webhooks
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.unit_of_work import Transaction


class PaymentsTransaction(Transaction, Protocol):
    payments: Payments
    refunds: Refunds
    webhooks: Webhooks


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What one webhook tells. `event_id` is the provider's, the same however often it is sent.

    `payment_id` and `refund_id` are ours, which the provider keeps with what it does for us. Neither
    `payment` nor `refund` is there where the event is about something that we do not follow.
    """

    event_id: str
    type: str
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    payment: Sighting | None = None
    refund: RefundSighting | None = None


class PaymentProvider(Protocol):
    """Whoever takes the buyers' money. Nothing here may be called inside a unit of work.

    Every call is idempotent by our own id (`payment_id`, `refund_id`): the second one does nothing and
    answers how things stand. Each may raise `ProviderUnavailable`; then nobody knows, and the same call
    may be made again. A refusal is no error but an answer (DECLINED, FAILED).
    """

    @property
    def methods(self) -> frozenset[str]:
        """The payment methods that `create_intent` takes."""
        ...

    async def create_intent(self, *, payment_id: UUID, order_number: str, amount: Money, method: str) -> Sighting:
        """Ask the buyer's bank for `amount`."""
        ...

    async def capture(self, *, payment_id: UUID) -> Sighting:
        """Take the money of an authorised (`capturable`) intent."""
        ...

    async def void(self, *, payment_id: UUID) -> Sighting:
        """Give the intent up. Answers SUCCEEDED where the money was taken already.

        An intent that is not known yet is barred: `create_intent` for it will answer VOIDED.
        """
        ...

    async def refund(self, *, refund_id: UUID, payment_id: UUID, amount: Money) -> RefundSighting:
        """Give `amount` of a captured intent back."""
        ...

    async def fetch(self, *, payment_id: UUID) -> Sighting | None:
        """How the intent stands; None where the provider never heard of it."""
        ...

    async def fetch_refund(self, *, refund_id: UUID) -> RefundSighting | None:
        """How the refund stands; None where the provider never heard of it."""
        ...

    def parse_webhook(self, *, headers: Mapping[str, str], body: bytes) -> Notice:
        """Prove that `body` (raw) comes from the provider, and read it.

        Raises an `Unauthenticated` where it is forged or too old, `WebhookMalformed` where it is nonsense.
        """
        ...


Providers = Mapping[str, PaymentProvider]
