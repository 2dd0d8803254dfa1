"""From cart to order."""

import asyncio
import itertools
import secrets
from dataclasses import replace
from uuid import UUID

import msgspec
import pytest

from caddy_shopping.contexts.orders.application import place_order
from caddy_shopping.contexts.orders.application.change_cart_item import ChangeCartItem
from caddy_shopping.contexts.orders.application.show_cart import ShowCart
from caddy_shopping.contexts.orders.domain.errors import (
    AddressRequired,
    CartChanged,
    CartEmpty,
    EmailRequired,
    NoLongerSold,
    NothingShipsThere,
    OrderTimedOut,
    PriceChanged,
    ShippingMethodUnknown,
)
from caddy_shopping.contexts.orders.domain.number import new_number
from caddy_shopping.contexts.orders.domain.parts import Address
from caddy_shopping.contexts.orders.infrastructure import repositories, tables
from caddy_shopping.contracts.products import OutOfStock
from caddy_shopping.kernel.actor import ANONYMOUS, Actor, Role
from caddy_shopping.kernel.errors import ConcurrentChange, Unauthenticated
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.idempotency import IdempotencyKey
from caddy_shopping.platform.execution import Rendered
from tests.contexts.orders.conftest import HOME, Shop
from tests.contexts.orders.fakes import a_variant
from tests.support.statements import counted


async def test_the_selected_lines_become_an_order_and_leave_the_cart(shop: Shop) -> None:
    shirt, mug = shop.products.put(a_variant(9900, stock=5)), shop.products.put(a_variant(1500, title="Mug"))
    await shop.add(shirt, 2)
    await shop.add(mug, 1)

    order = await shop.place(note="ring twice", expected_total=Money(2 * 9900 + 1500, "CNY"))

    assert order.status == "PENDING_PAYMENT"
    assert [(line.sku, line.quantity, line.total.amount) for line in order.lines] == [
        (shirt.sku, 2, 19800),
        (mug.sku, 1, 1500),
    ]
    assert order.shipping == Money(0, "CNY"), "free above 200.00"
    assert order.total == Money(21300, "CNY")
    assert order.email == "ada@example.com"
    assert order.expires_at - order.placed_at == shop.use_cases.place_order.window
    assert shop.products.variants[shirt.id].available == 3
    assert (await shop.run(shop.use_cases.show_cart, ShowCart(actor=shop.buyer))).items == []
    (placed,) = await shop.events("OrderPlaced")
    assert (placed.order_id, placed.total, len(placed.lines)) == (order.id, order.total, 2)
    detail = await shop.read(order)
    assert [(entry.action, entry.actor_id) for entry in detail.history] == [("placed", shop.buyer.id)]
    assert detail.address == HOME


async def test_deselected_lines_stay_in_the_cart(shop: Shop) -> None:
    keep, buy = shop.products.put(a_variant()), shop.products.put(a_variant())
    cart = await shop.add(keep)
    await shop.use_cases.change_cart_item(ChangeCartItem(actor=shop.buyer, item_id=cart.items[0].id, selected=False))
    await shop.add(buy)
    order = await shop.place()
    assert [line.variant_id for line in order.lines] == [buy.id]
    left = await shop.run(shop.use_cases.show_cart, ShowCart(actor=shop.buyer))
    assert [item.variant_id for item in left.items] == [keep.id]


async def test_an_empty_cart_cannot_be_ordered(shop: Shop) -> None:
    with pytest.raises(CartEmpty):
        await shop.place()
    assert shop.products.calls == []


async def test_nobody_cannot_order(shop: Shop) -> None:
    with pytest.raises(Unauthenticated):
        await shop.place(ANONYMOUS)


async def test_what_is_not_sold_any_more_is_named(shop: Shop) -> None:
    gone, hidden = shop.products.put(a_variant()), shop.products.put(a_variant())
    await shop.add(gone)
    cart = await shop.add(hidden)
    del shop.products.variants[gone.id]
    shop.products.change(hidden, sellable=False)
    with pytest.raises(NoLongerSold) as refused:
        await shop.place()
    assert [detail.pointer for detail in refused.value.details] == [f"/cart/items/{item.id}" for item in cart.items]
    assert shop.products.reservations == []


async def test_too_little_stock_orders_nothing(shop: Shop) -> None:
    await shop.add(shop.products.put(a_variant(stock=1)), 2)
    with pytest.raises(OutOfStock):
        await shop.place()
    assert await shop.count(tables.orders) == await shop.count(tables.order_claims) == 0
    assert len((await shop.run(shop.use_cases.show_cart, ShowCart(actor=shop.buyer))).items) == 1


async def test_another_total_than_expected_is_refused_and_what_was_reserved_goes_back(shop: Shop) -> None:
    variant = shop.products.put(a_variant(9900))
    await shop.add(variant)
    with pytest.raises(PriceChanged):
        await shop.place(expected_total=Money(9900, "CNY"))  # without shipping
    assert "reserve" in shop.products.calls
    assert shop.products.reservations == []
    assert shop.products.variants[variant.id].available == variant.available


async def test_a_price_that_changed_since_is_refused_and_nothing_was_taken(shop: Shop) -> None:
    """Not even for a moment, in which others would be told that there is nothing left."""
    variant = shop.products.put(a_variant(9900, stock=1))
    await shop.add(variant)
    shop.products.change(variant, price=Money(9901, "CNY"))
    with pytest.raises(PriceChanged):
        await shop.place(expected_total=Money(10900, "CNY"))
    assert shop.products.held == {}
    order = await shop.place(expected_total=Money(10901, "CNY"))
    assert [line.unit_price.amount for line in order.lines] == [9901]


async def test_without_an_expected_total_it_costs_what_it_costs_then(shop: Shop) -> None:
    variant = shop.products.put(a_variant(9900))
    await shop.add(variant)
    shop.products.change(variant, price=Money(9901, "CNY"))
    shop.products.calls.clear()
    assert [line.unit_price.amount for line in (await shop.place()).lines] == [9901]
    assert shop.products.calls == ["reserve"]


async def test_prices_that_move_all_the_time_are_somebody_s_change_at_the_same_moment(shop: Shop) -> None:
    variant = shop.products.put(a_variant(9900))
    await shop.add(variant)
    prices = itertools.count(9901)
    shop.products.before_reserve = lambda: shop.products.change(variant, price=Money(next(prices), "CNY"))
    with pytest.raises((ConcurrentChange, PriceChanged)):
        await shop.place(expected_total=Money(10900, "CNY"))
    assert shop.products.held == {}
    # And where no total was said, but it is priced first, for want of an address: the price never is the one of before.
    without = shop.products.put(a_variant(500, requires_shipping=False))
    await shop.add(without, actor=(another := shop.another_buyer()))
    shop.products.before_reserve = lambda: shop.products.change(without, price=Money(next(prices), "CNY"))
    with pytest.raises(ConcurrentChange):
        await shop.place(another, address=None)
    assert shop.products.held == {}
    shop.products.before_reserve = None
    assert (await shop.place(another, address=None)).status == "PENDING_PAYMENT"


async def test_a_price_that_changes_after_reserving_changes_nothing(shop: Shop) -> None:
    variant = shop.products.put(a_variant(9900))

    async def dearer(order_id: UUID) -> None:
        shop.products.change(variant, price=Money(1_000_000, "CNY"))

    await shop.add(variant)
    shop.products.on_reserve = dearer
    assert (await shop.place(expected_total=Money(10900, "CNY"))).total.amount == 10900


async def test_where_nothing_ships_nothing_is_reserved(shop: Shop) -> None:
    await shop.add(shop.products.put(a_variant(9900)))
    home = msgspec.structs.replace(HOME, country="US")
    handler = shop.use_cases.place_order
    methods = [replace(each, countries=frozenset({"CN"})) for each in handler.rules.methods]
    only_china = msgspec.structs.replace(handler, rules=replace(handler.rules, methods=methods))
    with pytest.raises(NothingShipsThere):
        await shop.run(only_china, shop.order_command(address=home))
    assert "reserve" not in shop.products.calls
    assert (await shop.place(expected_total=Money(10900, "CNY"))).total.amount == 10900


async def test_address_and_method_are_asked_for(shop: Shop) -> None:
    await shop.add(shop.products.put(a_variant()))
    with pytest.raises(AddressRequired):
        await shop.place(address=None)
    with pytest.raises(ShippingMethodUnknown, match="standard, express"):
        await shop.place(shipping_method="drone")
    assert "reserve" not in shop.products.calls


async def test_what_needs_no_shipping_needs_no_address(shop: Shop) -> None:
    await shop.add(shop.products.put(a_variant(500, requires_shipping=False)))
    order = await shop.place(address=None, shipping_method=None)
    assert (order.shipping_method, order.shipping.amount, order.total.amount) == (None, 0, 500)


async def test_what_costs_nothing_is_paid_at_once(shop: Shop) -> None:
    await shop.add(shop.products.put(a_variant(0, requires_shipping=False)))
    order = await shop.place(address=None)
    assert order.status == "PAID"
    assert len(await shop.events("OrderPaid")) == 1


async def test_a_guest_must_say_an_email(shop: Shop) -> None:
    guest = shop.guest()
    await shop.add(shop.products.put(a_variant()), actor=guest)
    with pytest.raises(EmailRequired):
        await shop.place(guest)
    order = await shop.place(guest, email="Guest@Example.com")
    assert order.email == "guest@example.com"


async def test_a_customer_without_email_must_say_one(shop: Shop) -> None:
    buyer = Actor(Role.CUSTOMER, id=new_id())
    await shop.add(shop.products.put(a_variant()), actor=buyer)
    with pytest.raises(EmailRequired):
        await shop.place(buyer)
    assert "reserve" not in shop.products.calls


async def test_two_orders_from_one_cart_at_once_make_one(shop: Shop) -> None:
    await shop.add(shop.products.put(a_variant(stock=100)), 3)
    answers = await asyncio.gather(*[shop.place() for _ in range(5)], return_exceptions=True)
    assert sum(not isinstance(answer, Exception) for answer in answers) == 1
    assert {type(answer) for answer in answers if isinstance(answer, Exception)} <= {CartChanged, CartEmpty}
    assert await shop.count(tables.orders) == 1
    assert len(shop.products.reservations) == 1, "the losers gave their stock back"
    assert next(iter(shop.products.variants.values())).available == 97


async def test_negative_control_without_the_condition_one_cart_is_ordered_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unconditional(*_: object) -> None:
        return None

    monkeypatch.setattr(repositories.SqlCarts, "remove", unconditional)
    await shop.add(shop.products.put(a_variant(stock=10)), 3)
    await asyncio.gather(shop.place(), shop.place())
    assert await shop.count(tables.orders) == 2


async def test_a_cart_that_changed_meanwhile_is_not_ordered(shop: Shop) -> None:
    variant = shop.products.put(a_variant(stock=10))
    await shop.add(variant, 1)

    async def one_more(_: object) -> None:
        shop.products.on_reserve = None
        await shop.add(variant, 1)

    shop.products.on_reserve = one_more
    with pytest.raises(CartChanged):
        await shop.place()
    assert shop.products.variants[variant.id].available == 10
    assert (await shop.place()).lines[0].quantity == 2


async def test_a_number_that_exists_already_is_drawn_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([b"\0" * 8, b"\0" * 8, b"\1" * 8])
    monkeypatch.setattr(secrets, "token_bytes", lambda _: next(drawn))
    first, second = await shop.an_order(), await shop.an_order()
    assert first.number != second.number
    assert len(shop.products.reservations) == 2, "the lost attempt's reservation was given back"


async def test_an_id_that_was_refused_meanwhile_is_no_order_and_releases_only_its_own(shop: Shop) -> None:
    other = await shop.an_order()
    await shop.add(shop.products.put(a_variant(stock=4)), 4)

    async def too_slow(order_id: UUID) -> None:
        await shop.service.settle(order_ids=[order_id])

    shop.products.on_reserve = too_slow
    with pytest.raises(OrderTimedOut) as refused:
        await shop.place()
    assert refused.value.retryable
    assert await shop.count(tables.orders) == 1
    assert shop.products.reservations == [other.id]
    shop.products.on_reserve = None
    assert (await shop.place()).status == "PENDING_PAYMENT"


async def test_negative_control_without_the_claim_a_refused_id_becomes_an_order(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_fence(*_: object) -> None:
        return None

    monkeypatch.setattr(repositories.SqlClaims, "place", no_fence)
    await shop.add(shop.products.put(a_variant()))
    settled = []

    async def too_slow(order_id: UUID) -> None:
        settled.append(await shop.service.settle(order_ids=[order_id]))

    shop.products.on_reserve = too_slow
    order = await shop.place()
    assert settled[0].refused == [order.id], "refused and placed at once"


async def test_settling_while_placing_has_one_outcome(shop: Shop) -> None:
    for _ in range(10):
        await shop.add(shop.products.put(a_variant()))
        reserved: asyncio.Future[UUID] = asyncio.get_running_loop().create_future()

        async def tell(order_id: UUID, reserved: asyncio.Future[UUID] = reserved) -> None:
            reserved.set_result(order_id)

        async def settle(reserved: asyncio.Future[UUID] = reserved) -> list[UUID]:
            settlement = await shop.service.settle(order_ids=[await reserved])
            return list(settlement.placed)

        shop.products.on_reserve = tell
        placed, settled = await asyncio.gather(shop.place(), settle(), return_exceptions=True)
        assert isinstance(placed, OrderTimedOut) is (settled == [])


async def test_a_failed_release_is_noted_and_does_not_hide_the_failure(shop: Shop) -> None:
    variant = shop.products.put(a_variant(stock=10))
    await shop.add(variant)

    async def one_more(_: object) -> None:
        shop.products.on_reserve = None
        await shop.add(variant)

    shop.products.on_reserve = one_more
    shop.products.release_fails = RuntimeError("products is away")
    with pytest.raises(CartChanged) as refused:
        await shop.place()
    assert any("products is away" in note for note in refused.value.__notes__)


async def test_a_saved_order_keeps_its_stock_though_the_commit_seemed_to_fail(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit went through but its answer was lost: releasing now would sell the stock twice."""
    await shop.add(shop.products.put(a_variant()))
    handler = type(shop.use_cases.place_order)
    save = handler._save

    async def lost_answer(*args: object) -> object:
        await save(*args)  # type: ignore[arg-type]
        raise ConnectionError("connection lost during commit")

    monkeypatch.setattr(handler, "_save", lost_answer)
    with pytest.raises(ConnectionError):
        await shop.place()
    assert await shop.count(tables.orders) == 1
    assert len(shop.products.reservations) == 1
    assert shop.products.released == set()


async def test_an_order_costs_at_most_twelve_statements(shop: Shop) -> None:
    for _ in range(5):
        await shop.add(shop.products.put(a_variant()))
    key = IdempotencyKey("buyer POST /api/v1/orders", "key-1", b"0" * 32)

    def render(_: object) -> Rendered:
        return Rendered(201, {}, b"{}")

    with counted() as statements:
        answer = await shop.run.once(key, shop.use_cases.place_order, shop.order_command(), render, render)
    assert answer.status == 201
    assert await shop.count(tables.orders) == 1
    assert len(statements) <= 8, statements
    assert sum("INSERT INTO order_lines" in sql for sql, _ in statements) == 1, "all lines in one go"


async def test_a_number_that_is_another_order_s_is_drawn_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await shop.an_order()
    fresh, drawn = new_number(), list[str]()

    def draw() -> str:
        drawn.append(first.number if not drawn else fresh)
        return drawn[-1]

    monkeypatch.setattr(place_order, "new_number", draw)
    assert (await shop.an_order()).number == fresh
    assert len(drawn) == 2
    assert len(shop.products.released) == 1, "what the first attempt reserved was given back"


async def test_a_country_without_shipping_is_refused(shop: Shop) -> None:
    rules = shop.use_cases.place_order.rules
    assert rules.methods, "sane defaults ship everywhere"
    only_at_home = replace(rules, methods=[replace(m, countries=frozenset({"CN"})) for m in rules.methods])
    handler = msgspec.structs.replace(shop.use_cases.place_order, rules=only_at_home)
    await shop.add(shop.products.put(a_variant()))
    abroad = Address(name="Ada", line1="1", city="Paris", country="FR")
    with pytest.raises(NothingShipsThere):
        await shop.run(handler, shop.order_command(address=abroad))
    assert (await shop.run(handler, shop.order_command())).address == HOME
