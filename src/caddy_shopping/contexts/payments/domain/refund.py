"""A refund: money of one payment on its way back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.domain.payment import Payment
from caddy_shopping.contracts.payments import PaymentRefunded, PaymentRefundFailed
from caddy_shopping.kernel.events import Aggregate
from caddy_shopping.kernel.money import Money


class RefundStatus(StrEnum):
    """PENDING: the provider is asked. FAILED: it refused. SUCCEEDED: the money left, which beats FAILED."""

    PENDING = "PENDING"
    FAILED = "FAILED"
    SUCCEEDED = "SUCCEEDED"

    @property
    def rank(self) -> int:
        return _RANK[self]


_RANK = {status: rank for rank, status in enumerate(RefundStatus)}


class RefundSighting(msgspec.Struct, frozen=True, kw_only=True):
    """How the provider says that a refund stands; `reason` is its code where it FAILED."""

    status: RefundStatus
    reference: str | None = None
    reason: str | None = None


@dataclass(eq=False)
class Refund(Aggregate):
    """`id` is the order's refund id: one request, one refund. `failure` is the provider's code."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    amount: Money
    reason: str
    created_at: datetime
    checked_at: datetime
    status: RefundStatus = RefundStatus.PENDING
    reference: str | None = None
    failure: str | None = None
    version: int = 1

    @classmethod
    def request(cls, refund_id: UUID, payment: Payment, amount: Money, reason: str, now: datetime) -> "Refund":
        """Set `amount` of the payment aside for a refund. Raises `RefundExceedsCaptured`."""
        payment.set_aside(amount)
        return cls(refund_id, payment.id, payment.order_id, amount, reason, now, now)

    @classmethod
    def refuse(
        cls, refund_id: UUID, payment: Payment, amount: Money, reason: str, failure: str, now: datetime
    ) -> "Refund":
        """Note a refund that is not to be had, and say so; no money is set aside."""
        refund = cls(refund_id, payment.id, payment.order_id, amount, reason, now, now, RefundStatus.FAILED)
        refund._fail(failure)
        return refund

    def observe(self, seen: RefundSighting, payment: Payment, now: datetime) -> bool:
        """Take in what the provider says; monotonic like `Payment.observe`. `payment` is the one it is of.

        Raises `RefundExceedsCaptured` where a failed refund succeeds after its money was given to another.
        """
        self.checked_at = now
        self.reference = self.reference or seen.reference
        if seen.status.rank <= self.status.rank:
            return False
        if self.status is RefundStatus.FAILED:
            payment.set_aside(self.amount)
        self.status, self.failure = seen.status, None
        if seen.status is RefundStatus.FAILED:
            payment.put_back(self.amount)
            self._fail(seen.reason or "refused")
        else:
            self.record(
                PaymentRefunded(
                    payment_id=self.payment_id, order_id=self.order_id, refund_id=self.id, amount=self.amount
                )
            )
        return True

    def _fail(self, failure: str) -> None:
        self.failure = failure
        self.record(
            PaymentRefundFailed(
                payment_id=self.payment_id,
                order_id=self.order_id,
                refund_id=self.id,
                amount=self.amount,
                reason=failure,
            )
        )


class Refunds(Protocol):
    async def find(self, refund_id: UUID) -> Refund | None: ...

    async def get(self, refund_id: UUID) -> Refund:
        """Raises `PaymentNotFound`: a refund is found through its payment."""
        ...

    def add(self, refund: Refund) -> None: ...
