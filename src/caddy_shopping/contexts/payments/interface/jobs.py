"""What payments does by itself."""

from datetime import timedelta

import structlog

from caddy_shopping.contexts.payments.application.process_webhook import ProcessWebhook
from caddy_shopping.contexts.payments.application.purge_webhooks import PurgeWebhooks
from caddy_shopping.contexts.payments.application.put_off import PutOffPayment, PutOffWebhook
from caddy_shopping.contexts.payments.application.reconcile_payment import ReconcilePayment
from caddy_shopping.contexts.payments.application.use_cases import UseCases
from caddy_shopping.contexts.payments.settings import PaymentsSettings
from caddy_shopping.kernel.actor import SYSTEM
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Job

log = structlog.get_logger("payments")
BATCH = 100


def jobs(use_cases: UseCases, run: Executor, clock: Clock, settings: PaymentsSettings) -> list[Job]:
    async def reconcile() -> None:
        """Ask the provider about payments and refunds that nothing was heard of for too long."""
        before = clock.now() - settings.reconcile_after
        for payment_id in await use_cases.queries.unresolved(before=before, limit=BATCH):
            try:
                await run(use_cases.reconcile_payment, ReconcilePayment(actor=SYSTEM, payment_id=payment_id))
            except Exception:
                # Whatever it is: the others must be asked about, in this round and in those to come.
                log.exception("payment.not_reconciled", payment_id=str(payment_id))
                await run(use_cases.put_off_payment, PutOffPayment(payment_id=payment_id))

    async def sweep() -> None:
        """Process webhooks that a crash left behind, or that could not be processed before."""
        for webhook in await use_cases.queries.waiting_webhooks(now=clock.now(), limit=BATCH):
            try:
                await run(use_cases.process_webhook, ProcessWebhook(webhook=webhook))
            except Exception as fault:
                log.exception("webhook.not_processed", webhook_id=str(webhook.id))
                error = f"{type(fault).__name__}: {fault}"
                await run(use_cases.put_off_webhook, PutOffWebhook(webhook=webhook, error=error))

    async def purge() -> None:
        await run(use_cases.purge_webhooks, PurgeWebhooks())

    return [
        Job("payments-reconcile", timedelta(seconds=settings.reconcile_every_seconds), reconcile),
        Job("payments-webhooks", timedelta(seconds=settings.sweep_every_seconds), sweep),
        Job("payments-purge", timedelta(hours=1), purge),
    ]
