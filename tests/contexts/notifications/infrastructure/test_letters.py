import re
from html.parser import HTMLParser
from typing import Any

import pytest

from caddy_shopping.contexts.notifications.application.ports import LetterBroken
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.contexts.notifications.infrastructure.letters import TEMPLATES, JinjaLetters
from tests.contexts.notifications.support import a_mail
from tests.support.clock import FakeClock

EVIL = "<script>alert(1)</script>\r\n\u202eBcc: eve@example.com"


@pytest.fixture
def letters() -> JinjaLetters:
    return JinjaLetters("Caddy & Co", "https://shop.example/")


class Tags(HTMLParser):
    VOID = ("meta", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", MailKind)
def test_every_letter_can_be_written_and_escapes_what_people_typed(
    letters: JinjaLetters, clock: FakeClock, kind: MailKind, language: str
) -> None:
    lines = [{"title": EVIL, "sku": EVIL, "quantity": 1, "total": {"amount": 100, "currency": "JPY"}}]
    evil: dict[str, Any] = {"name": EVIL, "carrier": EVIL, "tracking_number": EVIL, "reason": EVIL, "lines": lines}
    letter = letters.write(a_mail(clock, kind, language, **evil))
    tags = Tags(letter.html)
    assert not tags.open
    assert "script" not in tags.seen
    assert "\n" not in letter.subject
    for text in (letter.subject, letter.text, letter.html):
        assert text.strip()
        assert "\u202e" not in text
        assert "{{" not in text
        assert "{%" not in text
    # What people typed never begins a line of its own.
    assert not re.search(r"^Bcc:", letter.text, re.MULTILINE)
    assert "Caddy &amp; Co" in letter.html
    assert any(ord(character) > 0x2E80 for character in letter.subject) == (language == "zh")


def test_without_escaping_the_script_would_be_there(letters: JinjaLetters, clock: FakeClock) -> None:
    """Negative control of the test above: the same template without autoescape lets the tag through."""
    mail = a_mail(clock, MailKind.WELCOME, name=EVIL)
    letters._environment.autoescape = False
    assert "script" in Tags(letters.write(mail).html).seen


@pytest.mark.parametrize(("kind", "path"), [(MailKind.CONFIRM, "confirm"), (MailKind.RESET, "reset-password")])
def test_security_links_carry_the_token(letters: JinjaLetters, clock: FakeClock, kind: MailKind, path: str) -> None:
    letter = letters.write(a_mail(clock, kind, token="a+b/c"))
    assert f"https://shop.example/{path}?token=a%2Bb/c" in letter.text
    assert letter.html.count(f'href="https://shop.example/{path}?token=a%2Bb/c"') == 2


def test_money_and_moments_are_for_people(letters: JinjaLetters, clock: FakeClock) -> None:
    yen = {"amount": 1500, "currency": "JPY"}
    letter = letters.write(a_mail(clock, MailKind.ORDER_PLACED, total=yen))
    assert "1500 JPY" in letter.html
    assert "199.98 CNY" in letter.text
    assert "2026-03-14 09:56 UTC" in letter.html


def test_cancelling_says_what_happens_to_the_money(letters: JinjaLetters, clock: FakeClock) -> None:
    was_paid = letters.write(a_mail(clock, MailKind.ORDER_CANCELLED, was_paid=True))
    was_not = letters.write(a_mail(clock, MailKind.ORDER_CANCELLED, was_paid=False))
    assert "pay your money back" in was_paid.text
    assert "pay your money back" not in was_not.text


@pytest.mark.parametrize("broken", [{"total": None}, {"lines": [{"title": "x"}]}, {"expires_at": "soon"}])
def test_data_that_does_not_fit_is_a_broken_letter(
    letters: JinjaLetters, clock: FakeClock, broken: dict[str, Any]
) -> None:
    with pytest.raises(LetterBroken, match="order_placed"):
        letters.write(a_mail(clock, MailKind.ORDER_PLACED, **broken))


def test_every_kind_has_its_files_and_no_file_is_left_over() -> None:
    wanted = {f"{kind}.{part}.jinja" for kind in MailKind for part in ("subject", "txt", "html")} | {"words.jinja"}
    for language in ("en", "zh"):
        assert {path.name for path in (TEMPLATES / language).iterdir()} == wanted
