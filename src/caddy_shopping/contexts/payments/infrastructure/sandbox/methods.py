"""The test methods: a name says how the sandbox will behave."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    AUTHORIZED = "authorized"


@dataclass(frozen=True, slots=True)
class Script:
    """`tells` are the event types sent when an intent is made, in this order; `copies` how often each.

    `slow` settles after a while, `refunds` says whether money can be given back.
    """

    outcome: Outcome = Outcome.SUCCEEDED
    reason: str | None = None
    tells: tuple[str, ...] = ("payment.succeeded",)
    copies: int = 1
    slow: bool = False
    refunds: bool = True

    @property
    def silent(self) -> bool:
        return not self.tells


METHODS = {
    "sandbox_ok": Script(),
    "sandbox_declined": Script(Outcome.DECLINED, "card_declined", ("payment.declined",)),
    "sandbox_insufficient_funds": Script(Outcome.DECLINED, "insufficient_funds", ("payment.declined",)),
    "sandbox_slow": Script(tells=("payment.processing", "payment.succeeded"), slow=True),
    "sandbox_duplicate": Script(tells=("payment.processing", "payment.succeeded"), copies=2),
    "sandbox_out_of_order": Script(tells=("payment.succeeded", "payment.processing")),
    "sandbox_silent": Script(tells=()),
    "sandbox_refund_fails": Script(refunds=False),
    "sandbox_authorized": Script(Outcome.AUTHORIZED, tells=("payment.authorized",)),
}
"""`sandbox_authorized` only reserves the money: it comes with the capture, which is up to us."""
