import pytest

from caddy_shopping.contexts.notifications.domain.plain import one_line, tidy


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("李雷", "李雷"),
        ("Ada\r\nBcc: eve@example.com", "Ada Bcc: eve@example.com"),
        ("Ada\x00\x1b[31m", "Ada [31m"),
        ("pay\u200bpal\u202elive\u2066", "paypallive"),
        ("line\u2028separator\u2029x", "line separator x"),
        ("lone\ud800surrogate", "lonesurrogate"),
        ("  wide \t space\n", "wide space"),
    ],
)
def test_what_people_typed_becomes_one_visible_line(typed: str, shown: str) -> None:
    assert one_line(typed) == shown


def test_every_text_in_the_data_is_tidied_and_the_rest_stays() -> None:
    data = {"name": "a\nb", "lines": [{"title": "c\u202ed", "quantity": 2, "gift": None}], "paid": True}
    assert tidy(data) == {"name": "a b", "lines": [{"title": "cd", "quantity": 2, "gift": None}], "paid": True}
