"""Let a webhook that was taken in have its effect."""

import msgspec
import structlog

from caddy_shopping.contexts.payments.application.ports import Notice, PaymentsTransaction, Providers
from caddy_shopping.contexts.payments.domain.payment import Sighting
from caddy_shopping.contexts.payments.domain.webhook import PendingWebhook, pause
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.kernel.unit_of_work import UnitOfWork

log = structlog.get_logger("payments")


class ProcessWebhook(msgspec.Struct, frozen=True, kw_only=True):
    webhook: PendingWebhook


class ProcessWebhookHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]
    clock: Clock
    providers: Providers

    async def __call__(self, command: ProcessWebhook) -> bool:
        """Take in what a webhook says: its mark, its effect and its events in one transaction.

        False where it had its effect before. A named refusal is written to the webhook, which is tried
        again later and stays for staff to see.
        """
        webhook = command.webhook
        notice = msgspec.json.decode(webhook.notice, type=Notice)
        try:
            seen = await self._captured(webhook, notice)
            return await self._apply(webhook, notice, seen)
        except ShopError as fault:
            if fault.retryable:
                raise
            log.warning("webhook.refused", webhook_id=str(webhook.id), event_id=notice.event_id, error=fault.code)
            async with self.uow() as tx:
                retry_at = self.clock.now() + pause(webhook.attempts + 1)
                await tx.webhooks.failed(webhook.id, f"{fault.code}: {fault}", retry_at)
            return False

    async def _captured(self, webhook: PendingWebhook, notice: Notice) -> Sighting | None:
        """What is said of the payment; where it is authorised only, the money is taken first."""
        seen = notice.payment
        if seen is None or not seen.capturable or notice.payment_id is None:
            return seen
        return await self.providers[webhook.provider].capture(payment_id=notice.payment_id)

    async def _apply(self, webhook: PendingWebhook, notice: Notice, seen: Sighting | None) -> bool:
        now = self.clock.now()
        async with self.uow() as tx:
            if not await tx.webhooks.take(webhook.id, now):
                return False
            if seen is not None and notice.payment_id is not None:
                payment = await tx.payments.get(notice.payment_id)
                payment.observe(seen, now)
            if notice.refund is not None and notice.refund_id is not None:
                refund = await tx.refunds.get(notice.refund_id)
                refund.observe(notice.refund, await tx.payments.get(refund.payment_id), now)
            return True
