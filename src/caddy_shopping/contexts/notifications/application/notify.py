"""Something happened: tell the person it concerns."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from caddy_shopping.contexts.notifications.application.ports import NotificationsTransaction
from caddy_shopping.contexts.notifications.domain.email import Email
from caddy_shopping.contexts.notifications.domain.kinds import MailKind, NoticeKind
from caddy_shopping.contexts.notifications.domain.notification import Notification
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.languages import LANGUAGES
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class Notify(msgspec.Struct, frozen=True, kw_only=True):
    """`notice` goes into the person's list with `data`; `mail` to `address` with `data` and `mail_data`."""

    user_id: UUID
    data: dict[str, Any]
    notice: NoticeKind | None = None
    mail: MailKind | None = None
    address: str = ""
    language: str = "en"
    mail_data: dict[str, Any] = {}


class NotifyHandler(msgspec.Struct, frozen=True):
    """`wake` tells the mailer that a mail was queued; `domain` is the right-hand side of Message-IDs."""

    uow: UnitOfWork[NotificationsTransaction]
    clock: Clock
    domain: str
    wake: Callable[[], None]

    async def __call__(self, command: Notify) -> None:
        """Put a line into the person's list and queue the mail, unless they have switched its kind off."""
        now = self.clock.now()
        queued = False
        async with self.uow() as tx:
            if command.notice is not None:
                await tx.notifications.add(Notification(new_id(), command.user_id, command.notice, command.data, now))
            if command.mail is not None and command.address:
                queued = command.mail.always or not await tx.mutes.muted(command.user_id, command.mail)
                if queued:
                    await tx.emails.add(self._email(command, command.mail, now))
        if queued:
            self.wake()

    def _email(self, command: Notify, kind: MailKind, now: datetime) -> Email:
        language = command.language if command.language in LANGUAGES else LANGUAGES[0]
        data = {**command.data, **command.mail_data}
        return Email.queue(command.user_id, command.address, kind, language, data, self.domain, now)
