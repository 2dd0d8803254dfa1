"""Goods, shipping and tax: to the last minor unit."""

from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caddy_shopping.contexts.orders.domain.errors import (
    CartEmpty,
    CurrenciesMixed,
    NothingShipsThere,
    ShippingMethodUnknown,
    TotalTooLarge,
)
from caddy_shopping.contexts.orders.domain.pricing import PriceRules, ShippingMethod, Tax
from caddy_shopping.contracts.products import VariantView
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import MAX_AMOUNT, Money
from tests.contexts.orders.fakes import a_variant

STANDARD = ShippingMethod("standard", {"en": "Standard"}, "10.00", free_from="200.00")
EXPRESS = ShippingMethod("express", {"en": "Express"}, "18", per_kg="6.50", countries=frozenset({"CN"}))
FOOD, PLANTS = new_id(), new_id()


def rules(rate: str = "0.13", *, included: bool = True, on_shipping: bool = True, **rates: str) -> PriceRules:
    by_category = {{"food": FOOD, "plants": PLANTS}[name]: Fraction(value) for name, value in rates.items()}
    return PriceRules([STANDARD, EXPRESS], Tax(included, Fraction(rate), by_category, on_shipping))


variants = st.builds(
    a_variant,
    price=st.integers(0, 10**7),
    grams=st.integers(0, 50_000),
    taxable=st.booleans(),
    requires_shipping=st.booleans(),
    categories=st.sampled_from([[], [FOOD], [PLANTS, FOOD]]),
)
carts = st.lists(st.tuples(variants, st.integers(1, 999)), min_size=1, max_size=8)
all_rules = st.builds(
    rules,
    st.decimals(0, 1, places=4).map(str),
    included=st.booleans(),
    on_shipping=st.booleans(),
    food=st.decimals(0, 1, places=3).map(str),
)


@settings(deadline=None)
@given(all_rules, carts, st.sampled_from(["standard", "express", None]))
def test_the_parts_are_the_total(rules: PriceRules, cart: list[tuple[VariantView, int]], method: str | None) -> None:
    quote = rules.quote(cart, method, "CN")
    total = sum(line.total.amount for line in quote.lines) + quote.shipping.total.amount
    assert total == quote.total.amount
    if quote.tax_included:
        assert quote.total == quote.subtotal + quote.shipping.amount
    else:
        assert quote.total == quote.subtotal + quote.shipping.amount + quote.tax
    assert quote.tax == Money.sum((line.tax for line in quote.lines), "CNY") + quote.shipping.tax


@settings(deadline=None)
@given(all_rules, carts)
def test_tax_of_a_line_is_right_to_half_a_minor_unit(rules: PriceRules, cart: list[tuple[VariantView, int]]) -> None:
    for line in rules.quote(cart, None, None).lines:
        net = Fraction(line.amount.amount) / (1 + line.rate) if rules.tax.included else Fraction(line.amount.amount)
        assert abs(net * line.rate - line.tax.amount) <= Fraction(1, 2)
        assert 0 <= line.tax.amount <= line.total.amount


def test_tax_is_contained_or_added() -> None:
    item = [(a_variant(11300), 1)]
    inside = rules(on_shipping=False).quote(item, "standard", "CN")
    assert (inside.tax.amount, inside.total.amount) == (1300, 12300)
    outside = rules(included=False).quote(item, "standard", "CN")
    assert (outside.tax.amount, outside.total.amount) == (1469 + 130, 11300 + 1469 + 1000 + 130)


def test_half_a_minor_unit_rounds_up_per_line() -> None:
    quote = rules("0.05", included=False, on_shipping=False).quote([(a_variant(10), 1), (a_variant(10), 1)], None, None)
    assert [line.tax.amount for line in quote.lines] == [1, 1]


def test_the_nearest_category_with_a_rate_counts() -> None:
    def tax(*path: UUID) -> int:
        [line] = (
            rules(included=False, food="0.09").quote([(a_variant(10000, categories=list(path)), 1)], None, None).lines
        )
        return line.tax.amount

    assert (tax(), tax(FOOD), tax(PLANTS, FOOD), tax(PLANTS)) == (1300, 900, 900, 1300)
    untaxed = rules(included=False).quote([(a_variant(10000, taxable=False), 1)], None, None)
    assert untaxed.lines[0].tax.amount == 0


@pytest.mark.parametrize(("price", "cost"), [(19999, 1000), (20000, 0), (20001, 0)])
def test_standard_is_free_from_an_amount_on(price: int, cost: int) -> None:
    assert rules().quote([(a_variant(price), 1)], "standard", "CN").shipping.amount.amount == cost


@pytest.mark.parametrize(("grams", "cost"), [(0, 1800), (1, 2450), (1000, 2450), (1001, 3100)])
def test_express_is_by_kilogram_begun(grams: int, cost: int) -> None:
    assert rules().quote([(a_variant(grams=grams), 1)], "express", "CN").shipping.amount.amount == cost


def test_only_what_ships_weighs() -> None:
    book, download = a_variant(grams=900), a_variant(grams=5000, requires_shipping=False)
    assert rules().quote([(book, 1), (download, 1)], "express", "CN").shipping.grams == 900
    nothing = rules().quote([(download, 1)], "express", "CN")
    assert (nothing.shipping.method, nothing.shipping.total.amount) == (None, 0)


def test_methods_depend_on_the_country() -> None:
    item = [(a_variant(), 1)]
    assert [o.method.code for o in rules().quote(item, None, "FR").options if o.method] == ["standard"]
    with pytest.raises(ShippingMethodUnknown):
        rules().quote(item, "express", "FR")
    with pytest.raises(NothingShipsThere):
        PriceRules([EXPRESS], rules().tax).quote(item, None, "FR")


def test_nothing_mixed_or_beyond_all_bounds_is_priced() -> None:
    with pytest.raises(CartEmpty):
        rules().quote([], None, None)
    with pytest.raises(CurrenciesMixed):
        rules().quote([(a_variant(), 1), (a_variant(currency="EUR"), 1)], None, None)
    with pytest.raises(TotalTooLarge):
        rules().quote([(a_variant(MAX_AMOUNT), 2)], None, None)
    free = PriceRules([ShippingMethod("pick-up", {}, "0")], rules().tax)
    assert free.quote([(a_variant(MAX_AMOUNT), 1)], None, None).total.amount == MAX_AMOUNT
