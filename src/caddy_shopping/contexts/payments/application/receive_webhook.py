"""Take a provider's webhook in."""

from collections.abc import Mapping

import msgspec

from caddy_shopping.contexts.payments.application.ports import PaymentsTransaction, Providers
from caddy_shopping.contexts.payments.domain.errors import ProviderUnknown
from caddy_shopping.contexts.payments.domain.webhook import PendingWebhook, ReceivedWebhook, pause
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ReceiveWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """`headers` by lower-case name, `body` raw as it came."""

    provider: str
    headers: Mapping[str, str]
    body: bytes


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """`pending` is what is to be processed now; None for a duplicate."""

    event_id: str
    pending: PendingWebhook | None


class ReceiveWebhookHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]
    clock: Clock
    providers: Providers

    async def __call__(self, command: ReceiveWebhook) -> Received:
        """Take in what a payment provider tells.

        The signature over the raw body is checked before anything else; the event is then kept, once per
        provider and event id, and answered. What it says takes effect right after.
        """
        provider = self.providers.get(command.provider)
        if provider is None:
            raise ProviderUnknown(provider=command.provider)
        notice = provider.parse_webhook(headers=command.headers, body=command.body)
        now = self.clock.now()
        webhook = ReceivedWebhook(
            id=new_id(),
            provider=command.provider,
            event_id=notice.event_id,
            type=notice.type,
            payment_id=notice.payment_id,
            body=command.body,
            notice=msgspec.json.encode(notice),
            received_at=now,
            retry_at=now + pause(0),
        )
        async with self.uow() as tx:
            if await tx.webhooks.knows(webhook.provider, webhook.event_id):
                return Received(event_id=webhook.event_id, pending=None)
            await tx.webhooks.add(webhook)
        pending = PendingWebhook(id=webhook.id, provider=webhook.provider, attempts=0, notice=webhook.notice)
        return Received(event_id=webhook.event_id, pending=pending)
