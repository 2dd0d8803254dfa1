import pytest

from caddy_shopping.contexts.notifications.domain.kinds import NoticeKind
from caddy_shopping.contexts.notifications.domain.texts import words
from tests.contexts.notifications.support import mail_data


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_has_words_in_both_languages(kind: NoticeKind, language: str) -> None:
    title, body = words(kind, mail_data(), language)
    assert title
    assert body
    assert "{" not in title + body
    assert any(ord(character) > 0x2E80 for character in title + body) == (language == "zh")


def test_money_is_shown_in_major_units_and_typed_text_on_one_line() -> None:
    assert "249.97 CNY" in words(NoticeKind.ORDER_PLACED, mail_data(), "en")[1]
    assert (
        words(NoticeKind.ORDER_CANCELLED, mail_data(reason="no\n\u202emore {name}"), "en")[1]
        == "Reason: no more {name}"
    )


def test_another_language_reads_english() -> None:
    assert words(NoticeKind.ORDER_PAID, mail_data(), "fr") == words(NoticeKind.ORDER_PAID, mail_data(), "en")
