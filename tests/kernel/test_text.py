import pytest

from caddy_shopping.kernel.text import CONTROL, hidden_character, is_visible


@pytest.mark.parametrize("text", ["a", " a ", "李", "مرحبا", "\u200ba", "!", "€", "1", "👩‍👩‍👧", "\u202bקפה\u202c"])
def test_text_that_shows_something(text: str) -> None:
    assert is_visible(text)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b", "\u202e", "\ufeff", "\u3164", "\U000e0041", "\u0301"])
def test_text_that_shows_nothing(text: str) -> None:
    assert not is_visible(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("AB-1", None),
        ("李-1", None),
        ("A\u200bB", "U+200B"),
        ("A\u202eB", "U+202E"),
        ("A\tB", "U+0009"),
        ("\ufeff", "U+FEFF"),
    ],
)
def test_what_hides_in_a_code_is_named(text: str, found: str | None) -> None:
    assert hidden_character(text) == found


def test_tabs_and_line_ends_are_text_and_other_control_characters_are_not() -> None:
    assert not CONTROL.search("a\tb\r\nc\u00a0")
    assert all(CONTROL.search(f"a{char}") for char in "\x00\x07\x08\x0b\x0c\x1b\x1f\x7f")
