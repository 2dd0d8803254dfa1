"""Order numbers that survive a telephone."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from caddy_shopping.contexts.orders.domain.number import new_number, read_number

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
numbers = st.builds(new_number)


@settings(deadline=None)
@given(numbers)
def test_it_is_short_and_has_no_letters_that_look_like_digits(number: str) -> None:
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]", number)


@settings(deadline=None)
@given(numbers)
def test_any_spelling_finds_it(number: str) -> None:
    as_typed = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read_number(as_typed) == read_number(number.replace("1", "I")) == number


@settings(deadline=None)
@given(numbers, st.integers(0, 8), st.sampled_from(SYMBOLS))
def test_one_wrong_character_is_noticed(number: str, position: int, symbol: str) -> None:
    bare = number.replace("-", "")
    wrong = bare[:position] + symbol + bare[position + 1 :]
    assert read_number(wrong) == (number if wrong == bare else None)


@settings(deadline=None)
@given(numbers, st.integers(0, 7))
def test_two_swapped_neighbours_are_noticed(number: str, position: int) -> None:
    bare = number.replace("-", "")
    swapped = bare[:position] + bare[position + 1] + bare[position] + bare[position + 2 :]
    assert read_number(swapped) == (number if swapped == bare else None)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_anything_else_is_no_number(text: str) -> None:
    found = read_number(text)
    assert found is None or read_number(found) == found


def test_numbers_differ() -> None:
    assert len({new_number() for _ in range(1000)}) == 1000
