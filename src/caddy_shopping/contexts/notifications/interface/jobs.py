"""What comes round in notifications."""

from datetime import timedelta

from caddy_shopping.contexts.notifications.application.purge import PurgeOld
from caddy_shopping.contexts.notifications.application.use_cases import UseCases
from caddy_shopping.contexts.notifications.interface.mailer import Mailer
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Job


def jobs(mailer: Mailer, use_cases: UseCases, run: Executor, every: timedelta) -> list[Job]:
    """The mailer's safety net, which finds mails that are due or that a killed process had claimed; and the broom."""

    async def purge() -> None:
        await run(use_cases.purge_old, PurgeOld())

    return [
        Job("notifications-mailer", every, mailer.send_all_due),
        Job("notifications-purge", timedelta(hours=1), purge),
    ]
