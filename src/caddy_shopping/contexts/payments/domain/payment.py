"""A payment: one attempt to get the money for one order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.domain.errors import CapturedAmountMismatch, RefundExceedsCaptured
from caddy_shopping.contracts.payments import PaymentDeclined, PaymentSucceeded
from caddy_shopping.kernel.events import Aggregate
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money


class PaymentStatus(StrEnum):
    """How far a payment has come, in the order in which it can only move forward.

    CREATED: ours alone. PENDING: the provider has it. DECLINED, VOIDED: no money will come.
    SUCCEEDED: the money was taken, which beats whatever we believed before.
    """

    CREATED = "CREATED"
    PENDING = "PENDING"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"
    SUCCEEDED = "SUCCEEDED"

    @property
    def rank(self) -> int:
        return _RANK[self]


_RANK = {status: rank for rank, status in enumerate(PaymentStatus)}
OPEN = (PaymentStatus.CREATED, PaymentStatus.PENDING)


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """How the provider says that a payment stands.

    `captured` is there with SUCCEEDED, `reason` (the provider's code) with DECLINED. `capturable`
    says that a PENDING payment is authorised, and the money is ours to take.
    """

    status: PaymentStatus
    reference: str | None = None
    reason: str | None = None
    captured: Money | None = None
    capturable: bool = False


@dataclass(eq=False)
class Payment(Aggregate):
    """`active_order_id` is the order while this payment may bring (or has brought) its money, else None:
    its uniqueness is what allows one active payment per order. `refunded` counts refunds asked for and
    not failed. `checked_at` is when the provider was last heard of.
    """

    id: UUID
    order_id: UUID
    order_number: str
    user_id: UUID
    provider: str
    method: str
    amount: Money
    created_at: datetime
    checked_at: datetime
    active_order_id: UUID | None
    captured_amount: int = 0
    refunded_amount: int = 0
    status: PaymentStatus = PaymentStatus.CREATED
    reference: str | None = None
    reason: str | None = None
    version: int = 1

    @classmethod
    def create(
        cls,
        *,
        order_id: UUID,
        order_number: str,
        user_id: UUID,
        provider: str,
        method: str,
        amount: Money,
        now: datetime,
    ) -> "Payment":
        return cls(new_id(), order_id, order_number, user_id, provider, method, amount, now, now, order_id)

    @property
    def captured(self) -> Money:
        return Money(self.captured_amount, self.amount.currency)

    @property
    def refunded(self) -> Money:
        return Money(self.refunded_amount, self.amount.currency)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def observe(self, seen: Sighting, now: datetime) -> bool:
        """Take in what the provider says. False where it is nothing new: older, or known already.

        The status only moves up its ranks, so sightings may arrive in any order and any number of times.
        Raises `CapturedAmountMismatch`.
        """
        self.checked_at = now
        if self.reference is None and seen.reference is not None:
            self.reference = seen.reference
            self.touch()
        if seen.status.rank <= self.status.rank:
            return False
        if seen.status is PaymentStatus.SUCCEEDED:
            self._succeed(seen.captured or self.amount)
        elif seen.status is PaymentStatus.DECLINED:
            self.active_order_id = None
            self.record(PaymentDeclined(payment_id=self.id, order_id=self.order_id, reason=seen.reason or "declined"))
        else:
            if seen.status is PaymentStatus.VOIDED:
                self.active_order_id = None
            self.touch()
        self.status, self.reason = seen.status, seen.reason
        return True

    def _succeed(self, captured: Money) -> None:
        # A payment given up before stays without its order: another one may be active for it by now.
        if captured.currency != self.amount.currency:
            raise CapturedAmountMismatch(captured=captured, asked=self.amount)
        self.captured_amount = captured.amount
        self.record(PaymentSucceeded(payment_id=self.id, order_id=self.order_id, amount=captured))

    def set_aside(self, amount: Money) -> None:
        """Count a refund against what was captured. Raises `RefundExceedsCaptured`, `CurrencyMismatch`."""
        left = self.captured - self.refunded
        if left < amount:
            raise RefundExceedsCaptured(amount=amount, left=left)
        self.refunded_amount += amount.amount
        self.touch()

    def put_back(self, amount: Money) -> None:
        """A refund failed: its money is still here."""
        self.refunded_amount -= amount.amount
        self.touch()


class Payments(Protocol):
    async def get(self, payment_id: UUID) -> Payment:
        """Raises `PaymentNotFound`."""
        ...

    async def active(self, order_id: UUID) -> Payment | None:
        """The one payment that may bring, or has brought, the order's money."""
        ...

    async def captured(self, order_id: UUID) -> list[Payment]:
        """The order's payments that took money, latest first; more than one where a late one came through."""
        ...

    def add(self, payment: Payment) -> None: ...

    async def hand_over(self, from_user: UUID, to_user: UUID) -> None:
        """All payments of one person become another's."""
        ...

    async def put_off(self, payment_id: UUID, now: datetime) -> None:
        """Note that a payment and its pending refunds were asked about, though nothing was heard."""
        ...
