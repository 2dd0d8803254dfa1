"""Rules of the cart."""

from datetime import UTC, datetime, timedelta

import pytest

from caddy_shopping.contexts.orders.domain.cart import MAX_LINES, MAX_QUANTITY, Cart
from caddy_shopping.contexts.orders.domain.errors import CartFull, CartItemNotFound, CurrenciesMixed, QuantityTooLarge
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YUAN = Money(100, "CNY")


def a_cart(lines: int = 0) -> Cart:
    cart = Cart(new_id())
    for _ in range(lines):
        cart.add(new_id(), 1, YUAN, NOW)
    return cart


def test_the_same_thing_adds_up() -> None:
    cart, variant = a_cart(), new_id()
    cart.add(variant, 2, YUAN, NOW)
    line = cart.add(variant, 3, Money(120, "CNY"), NOW + timedelta(1))
    assert (line.quantity, line.price.amount, line.added_at) == (5, 120, NOW)
    assert cart.lines == [line]


def test_a_removed_line_is_revived_with_nothing_of_its_past() -> None:
    cart, variant = a_cart(), new_id()
    line = cart.add(variant, 5, YUAN, NOW)
    line.removed, line.selected = True, False
    assert cart.lines == []
    again = cart.add(variant, 1, YUAN, NOW + timedelta(1))
    assert again is line
    assert (line.quantity, line.selected, line.added_at) == (1, True, NOW + timedelta(1))


def test_there_is_a_most_of_one_thing() -> None:
    cart, variant = a_cart(), new_id()
    line = cart.add(variant, MAX_QUANTITY, YUAN, NOW)
    with pytest.raises(QuantityTooLarge):
        cart.add(variant, 1, YUAN, NOW)
    assert line.quantity == MAX_QUANTITY


def test_there_is_a_most_of_lines_but_more_of_one_still_fits() -> None:
    cart = a_cart(MAX_LINES)
    with pytest.raises(CartFull):
        cart.add(new_id(), 1, YUAN, NOW)
    assert len(cart.lines) == MAX_LINES
    cart.add(cart.lines[0].variant_id, 1, YUAN, NOW)


def test_currencies_do_not_mix_but_one_thing_may_change_its_currency() -> None:
    cart, variant = a_cart(), new_id()
    cart.add(variant, 1, YUAN, NOW)
    cart.add(variant, 1, Money(1, "EUR"), NOW)
    with pytest.raises(CurrenciesMixed):
        cart.add(new_id(), 1, YUAN, NOW)
    assert len(cart.lines) == 1


def test_a_removed_line_is_not_found() -> None:
    cart = a_cart(1)
    line = cart.lines[0]
    assert cart.line(line.id) is line
    line.removed = True
    with pytest.raises(CartItemNotFound):
        cart.line(line.id)


def test_absorbing_adds_up_and_caps() -> None:
    mine, theirs, both = a_cart(), a_cart(), new_id()
    mine.add(both, MAX_QUANTITY - 1, YUAN, NOW)
    theirs.add(both, 5, YUAN, NOW)
    other = theirs.add(new_id(), 3, YUAN, NOW)
    other.selected = False
    changed = mine.absorb(theirs, NOW)
    assert [(line.quantity, line.selected) for line in changed] == [(MAX_QUANTITY, True), (3, False)]


def test_absorbing_leaves_out_what_does_not_fit() -> None:
    full, theirs = a_cart(MAX_LINES), a_cart(1)
    assert full.absorb(theirs, NOW) == []
    euros, yuan = a_cart(), a_cart(1)
    euros.add(new_id(), 1, Money(1, "EUR"), NOW)
    assert euros.absorb(yuan, NOW) == []
    top, more = a_cart(), a_cart()
    variant = top.add(new_id(), MAX_QUANTITY, YUAN, NOW).variant_id
    more.add(variant, 1, YUAN, NOW)
    assert top.absorb(more, NOW) == []
