"""The reads of payments."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.application.views import PaymentDetail, PaymentView, StaffPaymentView
from caddy_shopping.contexts.payments.domain.payment import PaymentStatus
from caddy_shopping.contexts.payments.domain.webhook import PendingWebhook
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.paging import PageRequest, Slice

PERMISSION = "payments:manage"


class PaymentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which payments staff wants to see; None means any."""

    status: PaymentStatus | None = None
    order_id: UUID | None = None
    user_id: UUID | None = None
    provider: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


class OpenPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that may still bring money."""

    id: UUID
    provider: str


class OpenRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund whose end is not known."""

    id: UUID
    amount: Money


class Unknowns(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider has to be asked about one payment."""

    provider: str
    is_open: bool
    refunds: list[OpenRefund]


class PaymentQueries(Protocol):
    async def payment(self, *, actor: Actor, payment_id: UUID) -> PaymentView:
        """The caller's own payment. Raises `PaymentNotFound`."""
        ...

    async def of_order(self, *, actor: Actor, order_id: UUID, page: PageRequest) -> Slice[PaymentView]:
        """The caller's own payments for an order, latest first."""
        ...

    async def payments(self, *, actor: Actor, wanted: PaymentFilter, page: PageRequest) -> Slice[StaffPaymentView]:
        """All payments, latest first. Takes `payments:manage`."""
        ...

    async def detail(self, *, actor: Actor, payment_id: UUID) -> PaymentDetail:
        """One payment with refunds and webhooks. Takes `payments:manage`; raises `PaymentNotFound`."""
        ...

    async def open_payment(self, *, order_id: UUID) -> OpenPayment | None:
        """The order's payment that may still bring money."""
        ...

    async def unknowns(self, *, payment_id: UUID) -> Unknowns:
        """Raises `PaymentNotFound`."""
        ...

    async def unresolved(self, *, before: datetime, limit: int) -> list[UUID]:
        """Payments that are open, or have refunds pending, and were last heard of before `before`; oldest first."""
        ...

    async def waiting_webhooks(self, *, now: datetime, limit: int) -> list[PendingWebhook]:
        """Webhooks whose time to be tried (again) has come."""
        ...
