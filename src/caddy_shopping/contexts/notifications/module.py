"""Builds the notifications context: who hears of what, in the shop and by mail."""

from datetime import timedelta
from pathlib import Path

from caddy_shopping.contexts.notifications.application.adopt_guest import AdoptGuestHandler
from caddy_shopping.contexts.notifications.application.mark_read import MarkAllReadHandler, MarkReadHandler
from caddy_shopping.contexts.notifications.application.notify import NotifyHandler
from caddy_shopping.contexts.notifications.application.ports import Post
from caddy_shopping.contexts.notifications.application.purge import PurgeOldHandler
from caddy_shopping.contexts.notifications.application.retry_email import RetryEmailHandler
from caddy_shopping.contexts.notifications.application.send_emails import (
    ClaimEmailsHandler,
    DeliverEmailsHandler,
    SettleEmailsHandler,
)
from caddy_shopping.contexts.notifications.application.set_preferences import SetPreferencesHandler
from caddy_shopping.contexts.notifications.application.use_cases import UseCases
from caddy_shopping.contexts.notifications.infrastructure import tables
from caddy_shopping.contexts.notifications.infrastructure.folder import FolderPost
from caddy_shopping.contexts.notifications.infrastructure.letters import JinjaLetters
from caddy_shopping.contexts.notifications.infrastructure.message import Composer
from caddy_shopping.contexts.notifications.infrastructure.repositories import SqlNotificationsTransaction
from caddy_shopping.contexts.notifications.infrastructure.smtp import SmtpPost
from caddy_shopping.contexts.notifications.infrastructure.views import SqlNotificationQueries
from caddy_shopping.contexts.notifications.interface.admin_http import EmailAdminController
from caddy_shopping.contexts.notifications.interface.events import consumers
from caddy_shopping.contexts.notifications.interface.http import NotificationController
from caddy_shopping.contexts.notifications.interface.jobs import jobs
from caddy_shopping.contexts.notifications.interface.mailer import Mailer
from caddy_shopping.contexts.notifications.settings import NotificationsSettings
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.platform.http.app import routes_of
from caddy_shopping.platform.module import Kit, Module, Schema

schema = Schema("notifications", tables.metadata, Path(__file__).parent / "infrastructure" / "migrations")


def build(kit: Kit, settings: NotificationsSettings, data_dir: Path) -> Module:
    uow = kit.unit_of_work(SqlNotificationsTransaction)
    queries = SqlNotificationQueries(kit.database)
    letters = JinjaLetters(settings.shop_name, settings.shop_url)
    claim = ClaimEmailsHandler(uow, queries, kit.clock)
    deliver = DeliverEmailsHandler(letters, _post(settings, data_dir, kit.clock), kit.clock)
    settle = SettleEmailsHandler(uow, kit.clock)
    mailer = Mailer(
        kit.run,
        claim,
        deliver,
        settle,
        batch_size=settings.batch_size,
        gather_seconds=settings.gather_seconds,
    )
    use_cases = UseCases(
        notify=NotifyHandler(uow, kit.clock, settings.sender_address.rpartition("@")[2], mailer.wake),
        adopt_guest=AdoptGuestHandler(uow),
        mark_read=MarkReadHandler(uow, kit.clock),
        mark_all_read=MarkAllReadHandler(uow, kit.clock),
        set_preferences=SetPreferencesHandler(uow),
        claim_emails=claim,
        deliver_emails=deliver,
        settle_emails=settle,
        retry_email=RetryEmailHandler(uow, kit.clock, mailer.wake),
        purge_old=PurgeOldHandler(
            uow,
            kit.clock,
            keep_mails=timedelta(days=settings.keep_sent_days),
            keep_news=timedelta(days=settings.keep_read_days),
        ),
        queries=queries,
    )
    return Module(
        "notifications",
        use_cases,
        kit.run,
        routes=lambda: routes_of(use_cases, kit.run, [NotificationController, EmailAdminController]),
        consumers=consumers(use_cases),
        jobs=jobs(mailer, use_cases, kit.run, timedelta(seconds=settings.sweep_seconds)),
        start=[mailer.start],
        stop=[mailer.stop],
    )


def _post(settings: NotificationsSettings, data_dir: Path, clock: Clock) -> Post:
    composer = Composer(settings.sender_address, settings.shop_name)
    if settings.smtp_host:
        return SmtpPost(settings, composer, clock)
    return FolderPost(settings.outbox or data_dir / "outbox", composer)
