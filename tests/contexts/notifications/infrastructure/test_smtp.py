from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import structlog

from caddy_shopping.contexts.notifications.application.ports import Letter, Rejection
from caddy_shopping.contexts.notifications.domain.email import LEASE, Email
from caddy_shopping.contexts.notifications.infrastructure.message import Composer
from caddy_shopping.contexts.notifications.infrastructure.smtp import SmtpPost
from caddy_shopping.contexts.notifications.settings import NotificationsSettings
from tests.contexts.notifications.support import a_mail, parsed
from tests.support.clock import FakeClock
from tests.support.smtp import DROP, MailServer, mail_server

LETTER = Letter("Subject", "Text\n.\ntok-123\n", "<p>Text</p>")


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


def post_to(server: MailServer, clock: FakeClock, **changes: Any) -> SmtpPost:
    plain = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", "smtp_timeout_seconds": 2}
    settings = NotificationsSettings.model_validate({**plain, "sender_address": "shop@shop.example", **changes})
    return SmtpPost(settings, Composer("shop@shop.example", "Shop"), clock)


async def send(post: SmtpPost, clock: FakeClock, *mails: Email) -> list[Rejection | None]:
    return await post.send([(mail, LETTER) for mail in mails], clock.now() + LEASE)


async def test_a_batch_goes_over_one_connection(server: MailServer, clock: FakeClock) -> None:
    mails = [a_mail(clock, address=f"{name}@example.com") for name in ("ada", "bob", "eve")]
    with structlog.testing.capture_logs() as logs:
        assert await send(post_to(server, clock), clock, *mails) == [None, None, None]
    assert server.connections == 1
    assert [recipient for recipient, _ in server.mails] == [mail.address for mail in mails]
    assert [parsed(text)["Message-ID"] for _, text in server.mails] == [mail.message_id for mail in mails]
    assert len(logs) == 3
    assert "tok-123" not in repr(logs)


async def test_refusals_of_recipients_concern_only_them(server: MailServer, clock: FakeClock) -> None:
    server.next_time("RCPT", "550 no such user", "450 mailbox busy")
    answers = await send(post_to(server, clock), clock, a_mail(clock), a_mail(clock), a_mail(clock))
    assert answers == [Rejection("550 no such user", permanent=True), Rejection("450 mailbox busy"), None]
    assert len(server.mails) == 1


async def test_a_text_can_be_refused_for_now_or_for_good(server: MailServer, clock: FakeClock) -> None:
    server.next_time("END", "554 looks like spam", "451 try later")
    answers = await send(post_to(server, clock), clock, a_mail(clock), a_mail(clock))
    assert [answer and (answer.reason[:3], answer.permanent) for answer in answers] == [("554", True), ("451", False)]
    assert server.mails == []


async def test_a_refused_sender_or_sign_in_is_our_fault_and_tried_again(server: MailServer, clock: FakeClock) -> None:
    server.next_time("MAIL", "553 who are you")
    answers = await send(post_to(server, clock), clock, a_mail(clock), a_mail(clock))
    assert [answer and answer.permanent for answer in answers] == [False, False]
    server.next_time("AUTH", "535 wrong password", "535 wrong password")
    post = post_to(server, clock, smtp_username="shop", smtp_password="hunter22")
    with structlog.testing.capture_logs() as logs:
        answers = await send(post, clock, a_mail(clock))
    assert [answer and answer.permanent for answer in answers] == [False]
    assert logs[0]["event"] == "mail.server_failed"
    assert "hunter22" not in repr(logs) + repr(answers)
    assert server.mails == []


async def test_credentials_are_sent_where_there_are_any(server: MailServer, clock: FakeClock) -> None:
    assert await send(post_to(server, clock, smtp_username="u", smtp_password="p"), clock, a_mail(clock)) == [None]
    assert server.credentials == ["AUTH PLAIN AHUAcA=="]


async def test_a_server_that_hangs_up_after_the_text_gets_the_mail_again_with_the_same_id(
    server: MailServer, clock: FakeClock
) -> None:
    mail, next_mail = a_mail(clock), a_mail(clock)
    server.next_time("END", DROP)
    answers = await send(post_to(server, clock), clock, mail, next_mail)
    assert [answer and answer.permanent for answer in answers] == [False, False]
    assert await send(post_to(server, clock), clock, mail, next_mail) == [None, None]
    ids = [parsed(text)["Message-ID"] for _, text in server.mails]
    assert ids == [mail.message_id, mail.message_id, next_mail.message_id]


async def test_a_goodbye_that_fails_takes_no_answer_back(server: MailServer, clock: FakeClock) -> None:
    server.next_time("QUIT", DROP)
    assert await send(post_to(server, clock), clock, a_mail(clock)) == [None]


async def test_a_server_that_is_away_or_silent_is_tried_again(server: MailServer, clock: FakeClock) -> None:
    away = await send(post_to(server, clock, smtp_port=1), clock, a_mail(clock))
    assert [answer and answer.permanent for answer in away] == [False]
    refused = post_to(server, clock, smtp_security="starttls")  # the server offers none: never in the clear
    assert [answer and answer.permanent for answer in await send(refused, clock, a_mail(clock))] == [False]
    assert server.mails == []


async def test_no_mail_is_begun_that_might_outlast_the_lease(server: MailServer, clock: FakeClock) -> None:
    post = post_to(server, clock)
    answers = await post.send([(a_mail(clock), LETTER)], clock.now() + timedelta(seconds=9))
    assert answers == [Rejection("the batch ran out of time before this mail's turn")]
    assert server.mails == []
    assert await post.send([(a_mail(clock), LETTER)], clock.now() + timedelta(seconds=10)) == [None]


async def test_bad_and_unusual_addresses(server: MailServer, clock: FakeClock) -> None:
    mails = [a_mail(clock, address=address) for address in ("nobody", "李雷@example.com", "ada@bücher.example")]
    answers = await send(post_to(server, clock), clock, *mails)
    assert [answer and answer.permanent for answer in answers] == [True, True, None]
    server.extensions = ("8BITMIME", "SMTPUTF8")
    assert await send(post_to(server, clock), clock, mails[1]) == [None]
    assert [recipient for recipient, _ in server.mails] == ["ada@xn--bcher-kva.example", "李雷@example.com"]
