"""The sandbox's side of a payment and of a refund."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from caddy_shopping.contexts.payments.domain.payment import PaymentStatus, Sighting
from caddy_shopping.contexts.payments.domain.refund import RefundSighting, RefundStatus
from caddy_shopping.contexts.payments.infrastructure.sandbox.methods import METHODS, Outcome, Script
from caddy_shopping.kernel.money import Money

BARRED = "barred"
"""The method of an intent that was voided before it was made."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """Its state is what the clock makes of it: nothing has to be written when a slow one settles."""

    id: UUID
    method: str
    amount: Money
    settles_at: datetime
    captured_at: datetime | None = None
    voided_at: datetime | None = None

    @classmethod
    def of(cls, row: Row[Any]) -> "Intent":
        return cls(
            id=row.id,
            method=row.method,
            amount=Money(row.total_amount, row.currency),
            settles_at=row.settles_at,
            captured_at=row.captured_at,
            voided_at=row.voided_at,
        )

    def row(self, now: datetime) -> dict[str, object]:
        return {
            "id": self.id,
            "method": self.method,
            "total_amount": self.amount.amount,
            "refunded_amount": 0,
            "currency": self.amount.currency,
            "settles_at": self.settles_at,
            "captured_at": self.captured_at,
            "voided_at": self.voided_at,
            "created_at": now,
        }

    @property
    def script(self) -> Script:
        return METHODS.get(self.method, Script(tells=()))

    @property
    def reference(self) -> str:
        return f"si_{self.id.hex}"

    def sighting(self, now: datetime) -> Sighting:
        """How it stands at `now`."""
        if self.voided_at is not None:
            return Sighting(status=PaymentStatus.VOIDED, reference=self.reference)
        taken = Sighting(status=PaymentStatus.SUCCEEDED, reference=self.reference, captured=self.amount)
        if self.captured_at is not None:
            return taken
        if now < self.settles_at:
            return Sighting(status=PaymentStatus.PENDING, reference=self.reference)
        if self.script.outcome is Outcome.AUTHORIZED:
            return Sighting(status=PaymentStatus.PENDING, reference=self.reference, capturable=True)
        if self.script.outcome is Outcome.DECLINED:
            return Sighting(status=PaymentStatus.DECLINED, reference=self.reference, reason=self.script.reason)
        return taken


def refund_sighting(refund_id: UUID, failure: str | None) -> RefundSighting:
    status = RefundStatus.SUCCEEDED if failure is None else RefundStatus.FAILED
    return RefundSighting(status=status, reference=f"sr_{refund_id.hex}", reason=failure)
