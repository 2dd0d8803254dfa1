"""What every `contracts.products.Products` does: ours and the fake that other contexts test with."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from caddy_shopping.contracts.products import (
    OutOfStock,
    PriceMoved,
    Products,
    ReservationGone,
    ReservationLine,
    VariantNotFound,
    VariantView,
)
from caddy_shopping.kernel.errors import Invalid
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.rpc.local import local_stub
from tests.contexts.products.conftest import Catalogue, a_variant
from tests.support.fakes.products import FakeProducts, a_variant_view


class Ours:
    """The real service, as another context in this process sees it: through the wire."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.now = catalogue.bench.clock.now()
        self.products: Products = local_stub(Products, lambda: catalogue.service, through_wire=True)

    async def put(self, stock: int = 5, *, tracked: bool = True, sellable: bool = True) -> UUID:
        variant = a_variant(9900, stock=stock, tracked=tracked)
        product = await self.catalogue.add("Wool jumper", variant, status="active" if sellable else "draft")
        return product.variants[0].id


class Fake:
    def __init__(self) -> None:
        self.products = FakeProducts()
        self.now = self.products.now

    async def put(self, stock: int = 5, *, tracked: bool = True, sellable: bool = True) -> UUID:
        return self.products.put(a_variant_view(9900, stock=stock, tracked=tracked, sellable=sellable)).id


@pytest.fixture(params=["ours", "fake"])
def shop(request: pytest.FixtureRequest, catalogue: Catalogue) -> Any:
    return Ours(catalogue) if request.param == "ours" else Fake()


def line(variant_id: UUID, quantity: int = 1) -> ReservationLine:
    return ReservationLine(variant_id, quantity)


async def available(shop: Any, variant_id: UUID) -> int:
    (view,) = await shop.products.get_variants(variant_ids=[variant_id])
    assert isinstance(view, VariantView)
    return view.available


async def test_it_shows_variants_that_exist(shop: Any) -> None:
    variant, draft = await shop.put(), await shop.put(sellable=False)
    views = await shop.products.get_variants(variant_ids=[variant, new_id(), draft, variant])
    assert {(view.id, view.sellable, view.price.amount) for view in views} == {
        (variant, True, 9900),
        (draft, False, 9900),
    }
    assert len(views) == 2
    assert await shop.products.get_variants(variant_ids=[]) == []


async def test_it_reserves_once_for_an_order(shop: Any) -> None:
    variant, order = await shop.put(), new_id()
    first = await shop.products.reserve(order_id=order, lines=[line(variant), line(variant)], ttl_seconds=60)
    assert first.lines == [line(variant, 2)]
    assert [(view.id, view.available) for view in first.variants] == [(variant, 3)], "as they are afterwards"
    assert first.expires_at == shop.now + timedelta(seconds=60)
    other = await shop.put()
    for lines in ([line(variant, 3)], [line(variant, 99)], [line(other)], [line(new_id())]):
        assert await shop.products.reserve(order_id=order, lines=lines, ttl_seconds=90) == first
    assert [await available(shop, each) for each in (variant, other)] == [3, 5]


async def test_it_reserves_all_or_nothing(shop: Any) -> None:
    one, two, three = await shop.put(5), await shop.put(1), await shop.put(0)
    lines = [line(one), line(three), line(two, 2)]
    with pytest.raises(OutOfStock) as refusal:
        await shop.products.reserve(order_id=new_id(), lines=lines, ttl_seconds=60)
    assert {detail.pointer for detail in refusal.value.details} == {"/lines/1/quantity", "/lines/2/quantity"}
    assert [await available(shop, each) for each in (one, two, three)] == [5, 1, 0]


async def test_it_reserves_only_what_is_for_sale(shop: Any) -> None:
    one, draft = await shop.put(), await shop.put(sellable=False)
    for gone in (draft, new_id()):
        with pytest.raises(VariantNotFound) as refusal:
            await shop.products.reserve(order_id=new_id(), lines=[line(one), line(gone)], ttl_seconds=60)
        assert [detail.pointer for detail in refusal.value.details] == ["/lines/1/variantId"]
    assert await available(shop, one) == 5


async def test_it_refuses_prices_that_moved_before_it_takes_anything(shop: Any) -> None:
    one, two = await shop.put(), await shop.put(0)
    price = (await shop.products.get_variants(variant_ids=[one]))[0].price
    other = price + Money(1, price.currency)
    for wrong in (other, Money(price.amount, "EUR")):
        lines = [ReservationLine(one, 1, price), ReservationLine(one, 1, wrong), ReservationLine(two, 1, price)]
        with pytest.raises(PriceMoved) as refusal:
            await shop.products.reserve(order_id=new_id(), lines=lines, ttl_seconds=60)
        assert [detail.pointer for detail in refusal.value.details] == ["/lines/1/price"]
    assert await available(shop, one) == 5
    order = new_id()
    first = await shop.products.reserve(order_id=order, lines=[ReservationLine(one, 1, price)], ttl_seconds=60)
    again = await shop.products.reserve(order_id=order, lines=[ReservationLine(one, 1, other)], ttl_seconds=60)
    assert first == again


async def test_it_never_runs_out_of_what_is_not_tracked(shop: Any) -> None:
    variant = await shop.put(0, tracked=False)
    await shop.products.reserve(order_id=new_id(), lines=[line(variant, 99)], ttl_seconds=60)
    assert await available(shop, variant) == 0


async def test_it_refuses_quantities_that_are_none(shop: Any) -> None:
    variant = await shop.put()
    for lines in ([line(variant, 0)], [line(variant, -1)], []):
        with pytest.raises(Invalid):
            await shop.products.reserve(order_id=new_id(), lines=lines, ttl_seconds=60)
    assert await available(shop, variant) == 5


async def test_it_releases_once_and_for_good(shop: Any) -> None:
    variant, order = await shop.put(), new_id()
    await shop.products.release(order_id=new_id())
    await shop.products.reserve(order_id=order, lines=[line(variant, 2)], ttl_seconds=60)
    await shop.products.release(order_id=order)
    await shop.products.release(order_id=order)
    assert await available(shop, variant) == 5
    with pytest.raises(ReservationGone):
        await shop.products.reserve(order_id=order, lines=[line(variant)], ttl_seconds=60)
    assert await available(shop, variant) == 5
