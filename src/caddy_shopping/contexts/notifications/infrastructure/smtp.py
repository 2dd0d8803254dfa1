"""Mail through a mail server (RFC 5321)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import aiosmtplib
import structlog

from caddy_shopping.contexts.notifications.application.ports import Letter, LetterBroken, Rejection
from caddy_shopping.contexts.notifications.domain.email import Email
from caddy_shopping.contexts.notifications.infrastructure.message import Composer, Envelope
from caddy_shopping.contexts.notifications.settings import NotificationsSettings
from caddy_shopping.kernel.clock import Clock

log = structlog.get_logger("notifications")
# MAIL, RCPT, DATA, the text itself, and RSET after a refusal: each waits for one answer.
_COMMANDS = 5


class SmtpPost:
    """Hands a batch over on one connection.

    What SMTP can promise is *at least once*: where the connection breaks after the text was sent and
    before the answer came, or this process dies between the answer and the row that says SENT, the mail
    goes out again. It then carries the same Message-ID, by which mail programs know the copy.

    4yz answers, time-outs and connections that fail are tried again later. 5yz to a recipient or to the
    text is final. 5yz to the sign-in or to the sender says something about our settings, not about this
    mail: it is tried again, so that a wrong password does not cost the night's mails.
    """

    def __init__(self, settings: NotificationsSettings, composer: Composer, clock: Clock) -> None:
        self._settings = settings
        self._composer = composer
        self._clock = clock

    async def send(self, mails: Sequence[tuple[Email, Letter]], deadline: datetime) -> list[Rejection | None]:
        answers: list[Rejection | None] = []
        client = self._client()
        try:
            async with client:
                for email, letter in mails:
                    answers.append(await self._send(client, email, letter, deadline))
        except (aiosmtplib.SMTPException, OSError) as fault:
            # Also where only the goodbye failed: then every mail has its answer already.
            log.warning("mail.server_failed", host=self._settings.smtp_host, error=repr(fault))
            answers += [Rejection(repr(fault))] * (len(mails) - len(answers))
        return answers

    async def _send(
        self, client: aiosmtplib.SMTP, email: Email, letter: Letter, deadline: datetime
    ) -> Rejection | None:
        if self._clock.now() + timedelta(seconds=self._settings.smtp_timeout_seconds * _COMMANDS) > deadline:
            return Rejection("the batch ran out of time before this mail's turn")
        try:
            envelope = self._composer.compose(email, letter)
            await self._hand_over(client, envelope)
        except (LetterBroken, ValueError) as fault:
            # ValueError: an address that cannot be said in SMTP
            return Rejection(str(fault), permanent=True)
        except aiosmtplib.SMTPRecipientsRefused as fault:
            return _refused(fault.recipients[0])
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPNotSupported) as fault:
            return _refused(fault)
        log.info("mail.sent", email_id=str(email.id), template=email.kind.value)
        return None

    async def _hand_over(self, client: aiosmtplib.SMTP, envelope: Envelope) -> None:
        await client.sendmail(
            self._settings.sender_address,
            envelope.recipient,
            envelope.content,
            mail_options=["SMTPUTF8"] if envelope.utf8 else [],
        )

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username or None,
            password=settings.smtp_password.get_secret_value() or None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout=settings.smtp_timeout_seconds,
        )


def _refused(fault: aiosmtplib.SMTPException) -> Rejection:
    code = getattr(fault, "code", 500)
    return Rejection(f"{code} {fault.message}", permanent=code >= 500)
