"""No sum, split or share of money ever loses or gains a minor unit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caddy_shopping.kernel.money import MAX_AMOUNT, AmountInvalid, CurrencyMismatch, Money, exponent

amounts = st.integers(-MAX_AMOUNT, MAX_AMOUNT)


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_the_parts_of_a_split_add_up_to_the_whole(amount: int, weights: list[int]) -> None:
    parts = Money(amount, "CNY").split(weights)
    assert sum(part.amount for part in parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount - Fraction(amount * weight, sum(weights))) < 1


@pytest.mark.parametrize("weights", [[0, 0], [-1, 2]])
def test_a_split_needs_sensible_weights(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(10, "CNY").split(weights)


@given(amounts, st.sampled_from(["CNY", "JPY", "KWD"]))
def test_decimal_and_parse_are_inverse(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert Money.parse(money.decimal(), currency) == money


@pytest.mark.parametrize("text", ["", "abc", "1.234", "NaN", "Infinity", "1e30", "1,5"])
def test_what_is_no_amount_is_refused_not_rounded(text: str) -> None:
    with pytest.raises(AmountInvalid):
        Money.parse(text, "CNY")


@pytest.mark.parametrize(("currency", "places"), [("CNY", 2), ("JPY", 0), ("KWD", 3)])
def test_exponents_are_those_of_iso_4217(currency: str, places: int) -> None:
    assert exponent(currency) == places


@pytest.mark.parametrize(
    ("amount", "rate", "expected"),
    [(100, Fraction(13, 100), 13), (50, Fraction(1, 100), 1), (49, Fraction(1, 100), 0), (-50, Fraction(1, 100), -1)],
)
def test_half_a_unit_is_rounded_away_from_zero(amount: int, rate: Fraction, expected: int) -> None:
    assert Money(amount, "CNY").share(rate).amount == expected


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "CNY") + Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "CNY") < Money(1, "USD")


def test_arithmetic_and_order() -> None:
    one, two = Money(1, "CNY"), Money(2, "CNY")
    assert one + one == two == one * 2
    assert two - one == one
    assert one < two
    assert one <= one
    assert Money.sum([one, two], "CNY") == Money(3, "CNY")
    assert not Money.zero("CNY")
    assert str(Money(9999, "CNY")) == "99.99 CNY"
