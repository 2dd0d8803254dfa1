"""Send what could not be handled to the end of the queue, so that it never keeps others from their turn."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.application.ports import PaymentsTransaction
from caddy_shopping.contexts.payments.domain.webhook import PendingWebhook, pause
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class PutOffPayment(msgspec.Struct, frozen=True, kw_only=True):
    payment_id: UUID


class PutOffWebhook(msgspec.Struct, frozen=True, kw_only=True):
    webhook: PendingWebhook
    error: str


class PutOffPaymentHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]
    clock: Clock

    async def __call__(self, command: PutOffPayment) -> None:
        """Count a payment, and its refunds under way, as asked about just now."""
        async with self.uow() as tx:
            await tx.payments.put_off(command.payment_id, self.clock.now())


class PutOffWebhookHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]
    clock: Clock

    async def __call__(self, command: PutOffWebhook) -> None:
        """Count a failed attempt, and try again later: each time twice as late, and not for ever."""
        webhook = command.webhook
        async with self.uow() as tx:
            await tx.webhooks.failed(webhook.id, command.error, self.clock.now() + pause(webhook.attempts + 1))
