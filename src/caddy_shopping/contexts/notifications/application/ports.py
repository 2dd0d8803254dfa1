"""What this context needs from the world around it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from caddy_shopping.contexts.notifications.domain.email import Email, Emails
from caddy_shopping.contexts.notifications.domain.notification import Mutes, Notifications
from caddy_shopping.kernel.unit_of_work import Transaction


class NotificationsTransaction(Transaction, Protocol):
    notifications: Notifications
    mutes: Mutes
    emails: Emails


class Letter(msgspec.Struct, frozen=True):
    """The words of a mail: `subject` is one line; `html` says the same as `text`, escaped."""

    subject: str
    text: str
    html: str


class Letters(Protocol):
    def write(self, email: Email) -> Letter:
        """Fill the templates of `email.kind` in `email.language`. Raises `LetterBroken`."""
        ...


class LetterBroken(Exception):
    """The templates and the data do not fit, or the address is none: trying again would not help."""


class Rejection(msgspec.Struct, frozen=True):
    """Why a mail was not taken. `permanent`: the reader's mail server said so for good (SMTP 5yz)."""

    reason: str
    permanent: bool = False


class Post(Protocol):
    """The way out: a mail server, or a folder."""

    async def send(self, mails: Sequence[tuple[Email, Letter]], deadline: datetime) -> list[Rejection | None]:
        """Hand each over, in order; None where it was taken. Starts none that might end after `deadline`.

        Never raises for what a mail server says or fails to say.
        """
        ...
