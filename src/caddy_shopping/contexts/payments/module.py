"""Payments, built by hand."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from caddy_shopping.contexts.payments.application.adopt_guest import AdoptGuestHandler
from caddy_shopping.contexts.payments.application.ports import Providers
from caddy_shopping.contexts.payments.application.process_webhook import ProcessWebhookHandler
from caddy_shopping.contexts.payments.application.purge_webhooks import PurgeWebhooksHandler
from caddy_shopping.contexts.payments.application.put_off import PutOffPaymentHandler, PutOffWebhookHandler
from caddy_shopping.contexts.payments.application.receive_webhook import ReceiveWebhookHandler
from caddy_shopping.contexts.payments.application.reconcile_payment import ReconcilePaymentHandler
from caddy_shopping.contexts.payments.application.refund_payment import RefundPaymentHandler
from caddy_shopping.contexts.payments.application.start_payment import StartPaymentHandler
from caddy_shopping.contexts.payments.application.use_cases import UseCases
from caddy_shopping.contexts.payments.application.void_payment import VoidPaymentHandler
from caddy_shopping.contexts.payments.domain.errors import ProviderUnknown
from caddy_shopping.contexts.payments.infrastructure import tables
from caddy_shopping.contexts.payments.infrastructure.repositories import SqlPaymentsTransaction
from caddy_shopping.contexts.payments.infrastructure.sandbox import tables as sandbox_tables
from caddy_shopping.contexts.payments.infrastructure.sandbox.ledger import Ledger
from caddy_shopping.contexts.payments.infrastructure.sandbox.mailbox import Mailbox
from caddy_shopping.contexts.payments.infrastructure.sandbox.methods import METHODS
from caddy_shopping.contexts.payments.infrastructure.sandbox.provider import SandboxProvider
from caddy_shopping.contexts.payments.infrastructure.sandbox.sender import Sender
from caddy_shopping.contexts.payments.infrastructure.views import SqlPaymentQueries
from caddy_shopping.contexts.payments.interface.events import consumers
from caddy_shopping.contexts.payments.interface.http import (
    AdminPaymentController,
    PaymentController,
    WebhookController,
)
from caddy_shopping.contexts.payments.interface.jobs import jobs
from caddy_shopping.contexts.payments.settings import PaymentsSettings
from caddy_shopping.contracts.orders import Orders
from caddy_shopping.platform.http.app import routes_of
from caddy_shopping.platform.module import Job, Kit, Module, Schema
from caddy_shopping.platform.security.signatures import WebhookSecrets
from caddy_shopping.platform.settings import reading

# The sandbox's tables lie in the same metadata.
schema = Schema("payments", sandbox_tables.intents.metadata, Path(__file__).parent / "infrastructure" / "migrations")
platform_tables = tables.platform_tables
TOLD = tuple(name for name, script in METHODS.items() if "payment.succeeded" in script.tells)
"""Methods of the sandbox whose success is told by webhook; who reconciles from outside has to know."""


def build(
    kit: Kit, settings: PaymentsSettings, orders: Orders, webhook_url: Callable[[], str], webhook_secret: bytes
) -> Module:
    """`webhook_url` gives the full URL that the sandbox posts its webhooks to, asked at each sending.

    Raises `ProviderUnknown` where the settings name a provider that is not here.
    """
    with reading("SHOP_PAYMENTS_WEBHOOK_PREVIOUS_SECRETS", ValueError):
        previous = [old.get_secret_value() for old in settings.webhook_previous_secrets]
        secrets = WebhookSecrets([webhook_secret, *previous])
    mailbox = Mailbox(kit.database)
    sender = Sender(
        mailbox,
        secrets,
        webhook_url,
        kit.clock,
        poll=settings.sandbox_poll_seconds,
        retry=settings.sandbox_retry_seconds,
    )
    ledger = Ledger(kit.database, kit.clock, mailbox, sender.push, settings.sandbox_slow)
    providers: Providers = {"sandbox": SandboxProvider(ledger, secrets, kit.clock)}
    if settings.provider not in providers:
        raise ProviderUnknown(provider=settings.provider)
    use_cases = assemble(kit, settings, orders, providers)
    return Module(
        "payments",
        use_cases,
        kit.run,
        routes=lambda: routes_of(use_cases, kit.run, [PaymentController, WebhookController, AdminPaymentController]),
        consumers=consumers(use_cases),
        jobs=[
            *jobs(use_cases, kit.run, kit.clock, settings),
            Job(
                "payments-sandbox-purge",
                timedelta(hours=1),
                lambda: mailbox.purge(kit.clock.now() - settings.webhooks_kept),
            ),
        ],
        start=[sender.start],
        stop=[sender.stop],
    )


def assemble(kit: Kit, settings: PaymentsSettings, orders: Orders, providers: Providers) -> UseCases:
    """The use cases on top of whatever providers there are."""
    uow = kit.unit_of_work(SqlPaymentsTransaction)
    queries = SqlPaymentQueries(kit.database)
    return UseCases(
        start_payment=StartPaymentHandler(uow, kit.clock, orders, providers, settings.provider),
        void_payment=VoidPaymentHandler(uow, kit.clock, queries, providers),
        refund_payment=RefundPaymentHandler(uow, kit.clock, providers),
        receive_webhook=ReceiveWebhookHandler(uow, kit.clock, providers),
        process_webhook=ProcessWebhookHandler(uow, kit.clock, providers),
        reconcile_payment=ReconcilePaymentHandler(uow, kit.clock, queries, providers),
        adopt_guest=AdoptGuestHandler(uow),
        put_off_payment=PutOffPaymentHandler(uow, kit.clock),
        put_off_webhook=PutOffWebhookHandler(uow, kit.clock),
        purge_webhooks=PurgeWebhooksHandler(uow, kit.clock, settings.webhooks_kept),
        queries=queries,
    )
