"""Everything that payments can be asked for."""

import msgspec

from caddy_shopping.contexts.payments.application.adopt_guest import AdoptGuestHandler
from caddy_shopping.contexts.payments.application.process_webhook import ProcessWebhookHandler
from caddy_shopping.contexts.payments.application.purge_webhooks import PurgeWebhooksHandler
from caddy_shopping.contexts.payments.application.put_off import PutOffPaymentHandler, PutOffWebhookHandler
from caddy_shopping.contexts.payments.application.queries import PaymentQueries
from caddy_shopping.contexts.payments.application.receive_webhook import ReceiveWebhookHandler
from caddy_shopping.contexts.payments.application.reconcile_payment import ReconcilePaymentHandler
from caddy_shopping.contexts.payments.application.refund_payment import RefundPaymentHandler
from caddy_shopping.contexts.payments.application.start_payment import StartPaymentHandler
from caddy_shopping.contexts.payments.application.void_payment import VoidPaymentHandler


class UseCases(msgspec.Struct, frozen=True):
    start_payment: StartPaymentHandler
    void_payment: VoidPaymentHandler
    refund_payment: RefundPaymentHandler
    receive_webhook: ReceiveWebhookHandler
    process_webhook: ProcessWebhookHandler
    reconcile_payment: ReconcilePaymentHandler
    adopt_guest: AdoptGuestHandler
    put_off_payment: PutOffPaymentHandler
    put_off_webhook: PutOffWebhookHandler
    purge_webhooks: PurgeWebhooksHandler
    queries: PaymentQueries
