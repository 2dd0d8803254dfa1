"""Everything this context can do, on one screen."""

import msgspec

from caddy_shopping.contexts.notifications.application.adopt_guest import AdoptGuestHandler
from caddy_shopping.contexts.notifications.application.mark_read import MarkAllReadHandler, MarkReadHandler
from caddy_shopping.contexts.notifications.application.notify import NotifyHandler
from caddy_shopping.contexts.notifications.application.purge import PurgeOldHandler
from caddy_shopping.contexts.notifications.application.queries import NotificationQueries
from caddy_shopping.contexts.notifications.application.retry_email import RetryEmailHandler
from caddy_shopping.contexts.notifications.application.send_emails import (
    ClaimEmailsHandler,
    DeliverEmailsHandler,
    SettleEmailsHandler,
)
from caddy_shopping.contexts.notifications.application.set_preferences import SetPreferencesHandler


class UseCases(msgspec.Struct, frozen=True):
    notify: NotifyHandler
    adopt_guest: AdoptGuestHandler
    mark_read: MarkReadHandler
    mark_all_read: MarkAllReadHandler
    set_preferences: SetPreferencesHandler
    claim_emails: ClaimEmailsHandler
    deliver_emails: DeliverEmailsHandler
    settle_emails: SettleEmailsHandler
    retry_email: RetryEmailHandler
    purge_old: PurgeOldHandler
    queries: NotificationQueries
