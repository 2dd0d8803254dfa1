from email.headerregistry import AddressHeader

import pytest

from caddy_shopping.contexts.notifications.application.ports import Letter, LetterBroken
from caddy_shopping.contexts.notifications.infrastructure.message import Composer
from tests.contexts.notifications.support import a_mail, parsed, part
from tests.support.clock import FakeClock

LETTER = Letter("您的订单 – received", "Hello 李雷,\n\n.\ntext\n", "<p>你好</p>\n" * 50)


@pytest.fixture
def composer() -> Composer:
    return Composer("shop@shop.example", "Caddy 商店")


def test_a_message_reads_back_as_it_was_written(composer: Composer, clock: FakeClock) -> None:
    mail = a_mail(clock, language="zh")
    envelope = composer.compose(mail, LETTER)
    message = parsed(envelope.content)
    assert not message.defects
    assert message["Subject"] == "您的订单 – received"
    assert message["To"] == "ada@example.com"
    assert isinstance(message["From"], AddressHeader)
    assert (message["From"].addresses[0].display_name, message["From"].addresses[0].addr_spec) == (
        "Caddy 商店",
        "shop@shop.example",
    )
    assert message["Message-ID"] == mail.message_id
    assert message["Date"].datetime == clock.now().replace(microsecond=0)
    assert message["Content-Language"] == "zh-CN"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    assert [each.get_content_type() for each in message.iter_parts()] == ["text/plain", "text/html"]
    assert part(message, "plain") == LETTER.text
    assert part(message, "html") == LETTER.html
    assert envelope.recipient == "ada@example.com"
    assert not envelope.utf8


def test_lines_end_as_smtp_wants_and_are_short(composer: Composer, clock: FakeClock) -> None:
    content = composer.compose(a_mail(clock), LETTER).content
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 78


def test_the_same_mail_is_the_same_bytes(composer: Composer, clock: FakeClock) -> None:
    mail = a_mail(clock)
    assert composer.compose(mail, LETTER).content == composer.compose(mail, LETTER).content


@pytest.mark.parametrize("name", ["Shop\r\nBcc: eve@example.com", 'A "quoted" <shop>', "\u202ekcirt\u200b"])
def test_a_name_cannot_add_headers(clock: FakeClock, name: str) -> None:
    message = parsed(Composer("shop@shop.example", name).compose(a_mail(clock), LETTER).content)
    assert message["Bcc"] is None
    assert [each.addr_spec for each in message["From"].addresses] == ["shop@shop.example"]
    assert "\u202e" not in str(message["From"])


def test_a_subject_with_a_line_break_is_refused_by_the_email_package(composer: Composer, clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        composer.compose(a_mail(clock), Letter("Hi\r\nBcc: eve@example.com", "", ""))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a@b@c d",
        "ada@example.com\r\nBcc: eve@e.com",
        "a\u200bda@example.com",
        "ada@.é",
    ],
)
def test_what_is_no_address_is_a_broken_letter(composer: Composer, clock: FakeClock, address: str) -> None:
    with pytest.raises(LetterBroken, match="address"):
        composer.compose(a_mail(clock, address=address), LETTER)


def test_addresses_outside_ascii(composer: Composer, clock: FakeClock) -> None:
    idn = composer.compose(a_mail(clock, address="ada@bücher.example"), LETTER)
    assert (idn.recipient, idn.utf8) == ("ada@xn--bcher-kva.example", False)
    local = composer.compose(a_mail(clock, address="李雷@example.com"), LETTER)
    assert (local.recipient, local.utf8) == ("李雷@example.com", True)
    assert "\r\nTo: 李雷@example.com\r\n".encode() in local.content
