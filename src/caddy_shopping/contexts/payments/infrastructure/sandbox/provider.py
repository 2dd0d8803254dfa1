"""A payment provider that behaves like a real one, for development, tests and demonstrations. No money moves."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.application.ports import Notice
from caddy_shopping.contexts.payments.domain.errors import WebhookMalformed
from caddy_shopping.contexts.payments.domain.payment import Sighting
from caddy_shopping.contexts.payments.domain.refund import RefundSighting
from caddy_shopping.contexts.payments.infrastructure.sandbox.ledger import Ledger
from caddy_shopping.contexts.payments.infrastructure.sandbox.messages import Message, notice_of
from caddy_shopping.contexts.payments.infrastructure.sandbox.methods import METHODS
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.security.signatures import WebhookSecrets


class SandboxProvider:
    """Satisfies `PaymentProvider`. The outcome of an intent comes by webhook; asking tells it too."""

    methods = frozenset(METHODS)

    def __init__(self, ledger: Ledger, secrets: WebhookSecrets, clock: Clock) -> None:
        self._ledger = ledger
        self._secrets = secrets
        self._clock = clock

    async def create_intent(self, *, payment_id: UUID, order_number: str, amount: Money, method: str) -> Sighting:
        return await self._ledger.create(payment_id, amount, method)

    async def capture(self, *, payment_id: UUID) -> Sighting:
        return await self._ledger.capture(payment_id)

    async def void(self, *, payment_id: UUID) -> Sighting:
        return await self._ledger.void(payment_id)

    async def refund(self, *, refund_id: UUID, payment_id: UUID, amount: Money) -> RefundSighting:
        return await self._ledger.refund(refund_id, payment_id, amount)

    async def fetch(self, *, payment_id: UUID) -> Sighting | None:
        intent = await self._ledger.find(payment_id)
        return None if intent is None else intent.sighting(self._clock.now())

    async def fetch_refund(self, *, refund_id: UUID) -> RefundSighting | None:
        return await self._ledger.find_refund(refund_id)

    def parse_webhook(self, *, headers: Mapping[str, str], body: bytes) -> Notice:
        event_id = self._secrets.verify(headers, body, self._clock.now())
        try:
            return notice_of(event_id, msgspec.json.decode(body, type=Message))
        except msgspec.MsgspecError as fault:
            raise WebhookMalformed() from fault
