"""The cart as its owner uses it."""

import asyncio
from dataclasses import replace
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from caddy_shopping.contexts.orders.application.adopt_guest import AdoptGuest
from caddy_shopping.contexts.orders.application.change_cart_item import ChangeCartItem
from caddy_shopping.contexts.orders.application.quote_order import QuoteOrder
from caddy_shopping.contexts.orders.application.remove_cart_items import RemoveCartItems
from caddy_shopping.contexts.orders.application.select_cart_items import SelectCartItems
from caddy_shopping.contexts.orders.application.show_cart import ShowCart
from caddy_shopping.contexts.orders.application.views import CartView
from caddy_shopping.contexts.orders.domain.errors import CartChanged, CartItemNotFound, NoLongerSold
from caddy_shopping.contexts.orders.domain.pricing import Tax
from caddy_shopping.contexts.orders.infrastructure import tables
from caddy_shopping.contracts.products import VariantNotFound
from caddy_shopping.kernel.actor import ANONYMOUS, Actor
from caddy_shopping.kernel.errors import ConcurrentChange, Unauthenticated
from caddy_shopping.kernel.money import Money
from tests.contexts.orders.conftest import Shop
from tests.contexts.orders.fakes import a_variant
from tests.support.statements import counted


async def show(shop: Shop, actor: Actor | None = None) -> CartView:
    return await shop.run(shop.use_cases.show_cart, ShowCart(actor=actor or shop.buyer))


def warnings(cart: CartView) -> list[str]:
    return [warning.code for item in cart.items for warning in item.warnings]


async def test_what_is_put_in_adds_up_and_costs_what_it_costs_now(shop: Shop) -> None:
    shirt, mug = shop.products.put(a_variant(9900)), shop.products.put(a_variant(1500))
    await shop.add(shirt, 1)
    await shop.add(mug, 2)
    cart = await shop.add(shirt, 2)
    assert [(item.variant_id, item.quantity, item.total) for item in cart.items] == [
        (shirt.id, 3, Money(29700, "CNY")),
        (mug.id, 2, Money(3000, "CNY")),
    ]
    assert (cart.quantity, cart.selected_quantity, cart.subtotal) == (5, 5, Money(32700, "CNY"))
    assert cart == await show(shop)


async def test_a_cart_belongs_to_one_person(shop: Shop) -> None:
    guest = shop.guest()
    mine = await shop.add(shop.products.put(a_variant()))
    assert (await show(shop, guest)).items == []
    for command, handler in attempts(shop, guest, mine):
        with pytest.raises(CartItemNotFound):
            await shop.run(handler, command)
    assert await show(shop) == mine
    with pytest.raises(Unauthenticated):
        await show(shop, ANONYMOUS)


def attempts(shop: Shop, actor: Actor, cart: CartView) -> list[tuple[Any, Any]]:
    item = cart.items[0].id
    return [
        (ChangeCartItem(actor=actor, item_id=item, quantity=9), shop.use_cases.change_cart_item),
        (SelectCartItems(actor=actor, selected=False, item_ids=[item]), shop.use_cases.select_cart_items),
        (RemoveCartItems(actor=actor, item_id=item), shop.use_cases.remove_cart_items),
    ]


async def test_what_is_unknown_or_not_sold_does_not_go_in(shop: Shop) -> None:
    with pytest.raises(VariantNotFound):
        await shop.add(a_variant())
    with pytest.raises(NoLongerSold):
        await shop.add(shop.products.put(a_variant(sellable=False)))
    assert await shop.count(tables.cart_items) == 0


async def test_each_line_warns_of_what_changed(shop: Shop) -> None:
    variant = shop.products.put(a_variant(9900, stock=5))
    assert warnings(await shop.add(variant, 5)) == []
    shop.products.change(variant, price=Money(8900, "CNY"), available=4)
    cart = await show(shop)
    assert warnings(cart) == ["PRICE_CHANGED", "LOW_STOCK"]
    assert "99.00" in cart.items[0].warnings[0].message
    assert cart.subtotal == Money(5 * 8900, "CNY")
    shop.products.change(variant, price=Money(9900, "CNY"), available=0)
    assert warnings(await show(shop)) == ["OUT_OF_STOCK"]
    shop.products.change(variant, tracked=False)
    assert warnings(await show(shop)) == []
    shop.products.change(variant, sellable=False)
    assert warnings(await show(shop)) == ["NO_LONGER_SOLD"]
    del shop.products.variants[variant.id]
    cart = await show(shop)
    assert warnings(cart) == ["NO_LONGER_SOLD"]
    assert (cart.items[0].variant, cart.items[0].total, cart.subtotal) == (None, None, None)


async def test_warnings_speak_chinese(shop: Shop) -> None:
    variant = shop.products.put(a_variant(stock=0))
    await shop.add(variant)
    chinese = Actor(shop.buyer.role, id=shop.buyer.id, language="zh")
    assert (await show(shop, chinese)).items[0].warnings[0].message == "暂时缺货。"


async def test_there_is_no_one_sum_of_two_currencies(shop: Shop) -> None:
    first = shop.products.put(a_variant())
    await shop.add(first)
    await shop.add(shop.products.put(a_variant()))
    shop.products.change(first, price=Money(1, "EUR"))
    assert (await show(shop)).subtotal is None


async def test_lines_are_changed_selected_removed_and_cleared(shop: Shop) -> None:
    await shop.add(shop.products.put(a_variant(100)))
    cart = await shop.add(shop.products.put(a_variant(10)))
    first, second = (item.id for item in cart.items)
    cases, buyer = shop.use_cases, shop.buyer

    cart = await shop.run(cases.change_cart_item, ChangeCartItem(actor=buyer, item_id=first, quantity=7))
    assert (cart.items[0].quantity, cart.items[0].selected) == (7, True)
    cart = await shop.run(cases.change_cart_item, ChangeCartItem(actor=buyer, item_id=first, selected=False))
    assert (cart.items[0].quantity, cart.selected_quantity, cart.subtotal) == (7, 1, Money(10, "CNY"))
    cart = await shop.run(cases.select_cart_items, SelectCartItems(actor=buyer, selected=False))
    assert (cart.selected_quantity, cart.subtotal) == (0, None)
    cart = await shop.run(cases.select_cart_items, SelectCartItems(actor=buyer, selected=True, item_ids=[second]))
    assert [item.selected for item in cart.items] == [False, True]
    assert cart == await show(shop)
    cart = await shop.run(cases.remove_cart_items, RemoveCartItems(actor=buyer, item_id=second))
    assert [item.id for item in cart.items] == [first]
    cart = await shop.run(cases.remove_cart_items, RemoveCartItems(actor=buyer))
    assert cart.items == []
    assert cart == await show(shop)
    assert await shop.count(tables.cart_items) == 2, "rows stay, marked"
    empty = await shop.run(cases.remove_cart_items, RemoveCartItems(actor=buyer))
    assert empty == await shop.run(cases.select_cart_items, SelectCartItems(actor=buyer, selected=True))


async def test_what_was_removed_comes_back_fresh(shop: Shop) -> None:
    variant = shop.products.put(a_variant())
    cart = await shop.add(variant, 5)
    await shop.run(shop.use_cases.remove_cart_items, RemoveCartItems(actor=shop.buyer))
    again = await shop.add(variant, 1)
    assert [(item.id, item.quantity) for item in again.items] == [(cart.items[0].id, 1)]


async def test_adding_at_once_loses_nothing(shop: Shop) -> None:
    variant = shop.products.put(a_variant())
    await asyncio.gather(*[shop.add(variant, 1) for _ in range(20)])
    assert [item.quantity for item in (await show(shop)).items] == [20]


async def test_a_line_that_changed_since_it_was_read_is_not_overwritten(shop: Shop) -> None:
    variant = shop.products.put(a_variant())
    await shop.add(variant, 1)
    user_id = shop.buyer.user_id
    async with shop.use_cases.add_to_cart.uow() as tx:
        stale = await tx.carts.get(user_id)
    await shop.add(variant, 1)
    stale.lines[0].quantity = 50
    with pytest.raises(ConcurrentChange):
        async with shop.use_cases.add_to_cart.uow() as tx:
            await tx.carts.put(stale, stale.lines[0])
    with pytest.raises(CartChanged):
        async with shop.use_cases.add_to_cart.uow() as tx:
            await tx.carts.remove(user_id, stale.lines)
    assert [item.quantity for item in (await show(shop)).items] == [2]


async def test_a_change_costs_few_statements(shop: Shop) -> None:
    for _ in range(10):
        cart = await shop.add(shop.products.put(a_variant()))
    cases, buyer = shop.use_cases, shop.buyer
    commands: list[tuple[Any, Any]] = [
        (cases.change_cart_item, ChangeCartItem(actor=buyer, item_id=cart.items[0].id, quantity=2)),
        (cases.select_cart_items, SelectCartItems(actor=buyer, selected=False)),
        (cases.remove_cart_items, RemoveCartItems(actor=buyer)),
    ]
    for handler, command in commands:
        shop.products.calls.clear()
        with counted() as statements:
            await shop.run(handler, command)
        assert len(statements) == 2, statements
        assert len(shop.products.calls) <= 1


async def test_a_guest_who_signs_in_brings_cart_and_orders_along(shop: Shop) -> None:
    guest, both = shop.guest(), shop.products.put(a_variant())
    order = await shop.an_order(actor=shop.buyer)
    theirs = await _order_of(shop, guest)
    await shop.add(both, 2)
    await shop.add(both, 3, guest)
    await shop.add(shop.products.put(a_variant()), 1, guest)
    adopt = AdoptGuest(guest_id=guest.user_id, user_id=shop.buyer.user_id)
    await shop.run(shop.use_cases.adopt_guest, adopt)
    assert [item.quantity for item in (await show(shop)).items] == [5, 1]
    assert (await show(shop, guest)).items == []
    detail = await shop.read(theirs)
    assert (detail.user_id, detail.history[-1].action) == (shop.buyer.id, "handed_over")
    assert (await shop.read(order)).version == order.version
    await shop.run(shop.use_cases.adopt_guest, adopt)
    assert [item.quantity for item in (await show(shop)).items] == [5, 1], "a second time changes nothing"


async def test_nobody_is_merged_with_themselves(shop: Shop) -> None:
    cart = await shop.add(shop.products.put(a_variant()), 2)
    adopt = AdoptGuest(guest_id=shop.buyer.user_id, user_id=shop.buyer.user_id)
    await shop.run(shop.use_cases.adopt_guest, adopt)
    assert await show(shop) == cart


async def _order_of(shop: Shop, guest: Actor) -> Any:
    await shop.add(shop.products.put(a_variant()), 1, guest)
    return await shop.place(guest, email="g@example.com")


async def test_a_quote_explains_each_step(shop: Shop) -> None:
    await shop.add(shop.products.put(a_variant(5000, grams=800, title="Mug")), 2)
    calls = len(shop.products.calls)
    quote = await shop.run(shop.use_cases.quote_order, QuoteOrder(actor=shop.buyer, shipping_method="express"))
    assert [option.method for option in quote.shipping_options] == ["standard", "express"]
    assert quote.total == Money(10000 + 1800 + 2 * 600, "CNY")
    assert sum(step.amount.amount for step in quote.steps if step.counts) == quote.total.amount
    words = [step.text for step in quote.steps]
    assert words[0].startswith("2 × Mug / L (SKU-")
    assert words[2] == "Shipping: Express, 18.00 CNY and 6.00 CNY for each of 2 kg begun"
    assert len(shop.products.calls) == calls + 1, "nothing is reserved"
    flat = await shop.run(shop.use_cases.quote_order, QuoteOrder(actor=shop.buyer))
    assert flat.steps[2].text == "Shipping: Standard"
    await shop.add(shop.products.put(a_variant(20000)))
    chinese = Actor(shop.buyer.role, id=shop.buyer.id, language="zh")
    free = await shop.run(shop.use_cases.quote_order, QuoteOrder(actor=chinese))
    assert free.steps[3].text == "运费：标准配送，满 200.00 CNY 免运费"


async def test_taxes_on_top_are_steps_of_their_own(shop: Shop) -> None:
    handler = shop.use_cases.quote_order
    outside = msgspec.structs.replace(handler, rules=replace(handler.rules, tax=Tax(False, Fraction(13, 100))))
    await shop.add(shop.products.put(a_variant(10000, title="Mug")))
    await shop.add(shop.products.put(a_variant(5000, taxable=False)))
    quote = await shop.run(outside, QuoteOrder(actor=shop.buyer))
    assert [step.text for step in quote.steps[4:]] == ["Tax of 13 % on Mug / L", "Tax of 13 % on shipping", "Total"]
    assert sum(step.amount.amount for step in quote.steps if step.counts) == quote.total.amount
    untaxed = msgspec.structs.replace(handler, rules=replace(handler.rules, tax=Tax(False, Fraction(0))))
    assert len((await shop.run(untaxed, QuoteOrder(actor=shop.buyer))).steps) == 5


async def test_nothing_to_ship_is_said(shop: Shop) -> None:
    await shop.add(shop.products.put(a_variant(10000, requires_shipping=False)))
    quote = await shop.run(shop.use_cases.quote_order, QuoteOrder(actor=shop.buyer))
    assert (quote.shipping_method, quote.shipping_options) == (None, [])
    assert quote.steps[2].text == "Nothing to ship"
