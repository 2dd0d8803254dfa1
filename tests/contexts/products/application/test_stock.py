"""Reservations and what becomes of them, the ledger, the sweep."""

from datetime import timedelta

import pytest

from caddy_shopping.contexts.products.application import purge_reservations
from caddy_shopping.contexts.products.application.change_product import ChangeProduct
from caddy_shopping.contexts.products.application.change_stock import ChangeStock
from caddy_shopping.contexts.products.application.settle_stock import CancelSale, RestockReturn, SellStock
from caddy_shopping.contexts.products.application.sweep_reservations import BATCH, SweepReservations
from caddy_shopping.contexts.products.domain.errors import QuantityInvalid, StockBelowZero
from caddy_shopping.contexts.products.domain.specs import MAX_STOCK
from caddy_shopping.contexts.products.domain.stock import Reason
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contracts.products import (
    OutOfStock,
    ReservationGone,
    ReservationLine,
    VariantNotFound,
)
from caddy_shopping.kernel.actor import PermissionMissing
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import PageRequest
from tests.contexts.products.conftest import SHOPPER, STAFF, Catalogue, a_variant
from tests.contexts.products.stock_support import reserve, settle, state


async def test_stock_goes_from_the_shelf_to_the_order_to_the_buyer(catalogue: Catalogue) -> None:
    product = await catalogue.add("A", a_variant(stock=2))
    variant, order = product.variants[0].id, new_id()
    reserved = await reserve(catalogue, order, (variant, 1), (variant, 1))
    assert reserved.lines == [ReservationLine(variant, 2)]
    assert reserved.expires_at == catalogue.bench.clock.now() + timedelta(seconds=900)
    assert await catalogue.books(variant) == (0, 2, 0)
    assert not await catalogue.in_stock(product.id)
    await settle(catalogue, SellStock(order_id=order))
    await settle(catalogue, SellStock(order_id=order))
    assert await catalogue.books(variant) == (0, 0, 2)
    assert await state(catalogue, order) == "sold"


async def test_a_second_call_returns_the_first_reservation(catalogue: Catalogue) -> None:
    variant, order = (await catalogue.add()).variants[0].id, new_id()
    first = await reserve(catalogue, order, (variant, 2))
    catalogue.bench.clock.advance(timedelta(seconds=5))
    assert await reserve(catalogue, order, (variant, 3)) == first
    assert await catalogue.books(variant) == (3, 2, 0)


async def test_release_gives_back_once(catalogue: Catalogue) -> None:
    product = await catalogue.add("A", a_variant(stock=2))
    variant, order = product.variants[0].id, new_id()
    await reserve(catalogue, order, (variant, 2))
    await catalogue.service.release(order_id=order)
    await catalogue.service.release(order_id=order)
    assert await catalogue.books(variant) == (2, 0, 0)
    assert await catalogue.in_stock(product.id)
    with pytest.raises(ReservationGone):
        await reserve(catalogue, order, (variant, 1))
    with pytest.raises(ReservationGone):
        await settle(catalogue, SellStock(order_id=order))
    assert await catalogue.books(variant) == (2, 0, 0)


async def test_release_of_nothing_and_of_what_is_sold_does_nothing(catalogue: Catalogue) -> None:
    variant, order = (await catalogue.add()).variants[0].id, new_id()
    await catalogue.service.release(order_id=order)
    await reserve(catalogue, order, (variant, 1))
    await settle(catalogue, SellStock(order_id=order))
    await catalogue.service.release(order_id=order)
    assert await catalogue.books(variant) == (4, 0, 1)


async def test_a_paid_order_without_reservation_is_loud(catalogue: Catalogue) -> None:
    with pytest.raises(ReservationGone):
        await settle(catalogue, SellStock(order_id=new_id()))


async def test_all_lines_or_none_and_every_short_line_is_named(catalogue: Catalogue) -> None:
    product = await catalogue.add(
        "A", a_variant(1, "S", stock=5, sku="S"), a_variant(1, "M", stock=1, sku="M"),
        a_variant(1, "L", stock=0, sku="L"), options=["Size"],
    )  # fmt: skip
    small, medium, large = (variant.id for variant in product.variants)
    with pytest.raises(OutOfStock) as refusal:
        await reserve(catalogue, new_id(), (large, 1), (small, 2), (medium, 2))
    assert {detail.pointer for detail in refusal.value.details} == {"/lines/0/quantity", "/lines/2/quantity"}
    assert "M: 2 wanted, 1 left" in refusal.value.message()
    for variant, stock in ((small, 5), (medium, 1), (large, 0)):
        assert await catalogue.books(variant) == (stock, 0, 0)
    assert await catalogue.count(tables.reserved) == 0


@pytest.mark.parametrize("quantity", [0, -1, MAX_STOCK + 1])
async def test_a_quantity_that_would_make_stock_is_refused(catalogue: Catalogue, quantity: int) -> None:
    variant = (await catalogue.add()).variants[0].id
    with pytest.raises(QuantityInvalid):
        await reserve(catalogue, new_id(), (variant, quantity))
    with pytest.raises(QuantityInvalid):
        await reserve(catalogue, new_id())
    assert await catalogue.books(variant) == (5, 0, 0)


async def test_what_is_not_for_sale_cannot_be_reserved(catalogue: Catalogue) -> None:
    draft = (await catalogue.add("D", status="draft")).variants[0].id
    good = await catalogue.add("A", a_variant(1, "S"), a_variant(1, "L"), options=["Size"])
    small, large = (variant.id for variant in good.variants)
    command = ChangeProduct(actor=STAFF, product_id=good.id, version=1, variants=(a_variant(1, "L"),))
    await catalogue.run(catalogue.use_cases.change_product, command)
    for gone in (draft, small, new_id()):
        with pytest.raises(VariantNotFound) as refusal:
            await reserve(catalogue, new_id(), (large, 1), (gone, 1))
        assert [detail.pointer for detail in refusal.value.details] == ["/lines/1/variantId"]
    assert await catalogue.books(large) == (5, 0, 0)


async def test_what_is_not_tracked_or_may_be_oversold_is_never_short(catalogue: Catalogue) -> None:
    untracked = (await catalogue.add("Service", a_variant(stock=1, tracked=False))).variants[0].id
    backorder = (await catalogue.add("Backorder", a_variant(stock=3, oversell=True))).variants[0].id
    order, more = new_id(), new_id()
    await reserve(catalogue, order, (untracked, 100), (backorder, 2))
    assert await catalogue.books(untracked) == (1, 0, 0)
    assert await catalogue.books(backorder) == (1, 2, 0)
    await reserve(catalogue, more, (backorder, 50))
    assert await catalogue.books(backorder) == (1, 2, 0)
    await settle(catalogue, SellStock(order_id=more))
    await settle(catalogue, CancelSale(order_id=more, lines=[ReservationLine(backorder, 50)]))
    await catalogue.service.release(order_id=order)
    assert await catalogue.books(backorder) == (3, 0, 0)
    assert await catalogue.books(untracked) == (1, 0, 0)


async def test_a_cancelled_order_gives_back_what_was_reserved_or_sold_once(catalogue: Catalogue) -> None:
    variant = (await catalogue.add()).variants[0].id
    unpaid, paid = new_id(), new_id()
    await reserve(catalogue, unpaid, (variant, 1))
    await reserve(catalogue, paid, (variant, 2))
    await settle(catalogue, SellStock(order_id=paid))
    for order, quantity in ((unpaid, 1), (paid, 2), (unpaid, 1), (paid, 2)):
        await settle(catalogue, CancelSale(order_id=order, lines=[ReservationLine(variant, quantity)]))
    assert await catalogue.books(variant) == (5, 0, 0)
    ledger = [row for row in await catalogue.rows(tables.movements) if row.reason != Reason.OPENING]
    assert [(row.reason, row.delta, row.reference) for row in ledger] == [(Reason.CANCELLED, 2, f"order:{paid}")]


async def test_a_partly_restocked_order_gives_back_only_the_rest(catalogue: Catalogue) -> None:
    """Putting back all that was taken would make 6, more than there ever was."""
    variant, order, return_id = (await catalogue.add()).variants[0].id, new_id(), new_id()
    await reserve(catalogue, order, (variant, 3))
    await settle(catalogue, SellStock(order_id=order))
    restock = RestockReturn(order_id=order, return_id=return_id, lines=[ReservationLine(variant, 1)])
    await settle(catalogue, restock)
    assert await catalogue.books(variant) == (3, 0, 2)
    left = [ReservationLine(variant, 1), ReservationLine(variant, 1)]
    for _ in range(2):
        await settle(catalogue, CancelSale(order_id=order, lines=left))
    assert await catalogue.books(variant) == (5, 0, 0)
    ledger = [(row.reason, row.delta) for row in await catalogue.rows(tables.movements)]
    assert ledger == [(Reason.OPENING, 5), (Reason.RETURNED, 1), (Reason.CANCELLED, 2)]


async def test_a_wholly_restocked_order_gives_back_nothing_more(catalogue: Catalogue) -> None:
    variant, order = (await catalogue.add()).variants[0].id, new_id()
    await reserve(catalogue, order, (variant, 3))
    await settle(catalogue, SellStock(order_id=order))
    await settle(catalogue, RestockReturn(order_id=order, return_id=new_id(), lines=[ReservationLine(variant, 3)]))
    await settle(catalogue, CancelSale(order_id=order, lines=[]))
    assert await catalogue.books(variant) == (5, 0, 0)
    assert await state(catalogue, order) == "released"


async def test_a_cancelled_order_never_gives_back_more_than_it_took(catalogue: Catalogue) -> None:
    variant, order = (await catalogue.add()).variants[0].id, new_id()
    await reserve(catalogue, order, (variant, 2))
    await settle(catalogue, SellStock(order_id=order))
    await settle(catalogue, CancelSale(order_id=order, lines=[ReservationLine(variant, 9)]))
    assert await catalogue.books(variant) == (5, 0, 0)


async def test_a_return_is_restocked_once(catalogue: Catalogue) -> None:
    variant = (await catalogue.add()).variants[0].id
    untracked = (await catalogue.add("Service", a_variant(stock=0, tracked=False))).variants[0].id
    order, return_id = new_id(), new_id()
    await reserve(catalogue, order, (variant, 3), (untracked, 1))
    await settle(catalogue, SellStock(order_id=order))
    lines = [ReservationLine(variant, 2), ReservationLine(untracked, 1)]
    command = RestockReturn(order_id=order, return_id=return_id, lines=lines)
    await settle(catalogue, command)
    await settle(catalogue, command)
    assert await catalogue.books(variant) == (4, 0, 1)
    assert await catalogue.books(untracked) == (0, 0, 0)
    last = RestockReturn(order_id=order, return_id=new_id(), lines=[ReservationLine(variant, 1)])
    await settle(catalogue, last)
    assert await catalogue.books(variant) == (5, 0, 0)


async def test_what_was_never_counted_off_the_shelf_is_not_counted_back(catalogue: Catalogue) -> None:
    """An oversold piece comes back: the shelf never held it, so it adds no stock, cancelled or returned."""
    variant = (await catalogue.add("Backorder", a_variant(stock=1, oversell=True))).variants[0].id
    counted, oversold, cancelled = new_id(), new_id(), new_id()
    for order, quantity in ((counted, 1), (oversold, 2), (cancelled, 2)):
        await reserve(catalogue, order, (variant, quantity))
        await settle(catalogue, SellStock(order_id=order))
    assert await catalogue.books(variant) == (0, 0, 1)
    back = [ReservationLine(variant, 2)]
    await settle(catalogue, RestockReturn(order_id=oversold, return_id=new_id(), lines=back))
    await settle(catalogue, CancelSale(order_id=cancelled, lines=back))
    assert await catalogue.books(variant) == (0, 0, 1)
    # Negative control: the piece that was counted comes back.
    last = RestockReturn(order_id=counted, return_id=new_id(), lines=[ReservationLine(variant, 1)])
    await settle(catalogue, last)
    assert await catalogue.books(variant) == (1, 0, 0)


async def test_stock_is_changed_by_hand_with_a_line_in_the_ledger(catalogue: Catalogue) -> None:
    product = await catalogue.add("A", a_variant(stock=0))
    variant = product.variants[0].id
    assert not await catalogue.in_stock(product.id)
    command = ChangeStock(actor=STAFF, variant_id=variant, delta=7, reason=Reason.RECEIVED, note="van")
    view = await catalogue.run(catalogue.use_cases.change_stock, command)
    assert (view.stock, view.product_id) == (7, product.id)
    assert await catalogue.in_stock(product.id)
    page = await catalogue.use_cases.staff.movements(STAFF, variant, PageRequest())
    assert [(line.delta, line.reason, line.note, line.actor_id) for line in page.items] == [
        (7, "received", "van", STAFF.id)
    ]
    assert await catalogue.told() == ["ProductChanged", "StockChanged"]


@pytest.mark.parametrize("delta", [-6, MAX_STOCK])
async def test_stock_stays_within_bounds(catalogue: Catalogue, delta: int) -> None:
    variant = (await catalogue.add()).variants[0].id
    command = ChangeStock(actor=STAFF, variant_id=variant, delta=delta, reason=Reason.CORRECTION)
    with pytest.raises(StockBelowZero):
        await catalogue.run(catalogue.use_cases.change_stock, command)
    assert await catalogue.books(variant) == (5, 0, 0)
    assert await catalogue.count(tables.movements) == 1
    assert await catalogue.told() == ["ProductChanged"]


async def test_only_staff_changes_stock_of_what_there_is(catalogue: Catalogue) -> None:
    variant = (await catalogue.add()).variants[0].id
    command = ChangeStock(actor=SHOPPER, variant_id=variant, delta=1, reason=Reason.RECEIVED)
    with pytest.raises(PermissionMissing):
        await catalogue.run(catalogue.use_cases.change_stock, command)
    command = ChangeStock(actor=STAFF, variant_id=new_id(), delta=1, reason=Reason.RECEIVED)
    with pytest.raises(VariantNotFound):
        await catalogue.run(catalogue.use_cases.change_stock, command)
    with pytest.raises(VariantNotFound):
        await catalogue.use_cases.queries.movements(new_id(), PageRequest())
    assert await catalogue.books(variant) == (5, 0, 0)


async def test_the_sweep_keeps_what_is_an_order_and_gives_back_the_rest(catalogue: Catalogue) -> None:
    variant = (await catalogue.add()).variants[0].id
    placed, refused, fresh = new_id(), new_id(), new_id()
    await reserve(catalogue, placed, (variant, 1), ttl=60)
    await reserve(catalogue, refused, (variant, 1), ttl=60)
    await reserve(catalogue, fresh, (variant, 1), ttl=600)
    catalogue.orders.place(placed)
    job = catalogue.module.jobs[0]
    await job.run()
    assert catalogue.orders.refused == set()
    catalogue.bench.clock.advance(timedelta(seconds=61))
    await job.run()
    assert catalogue.orders.refused == {refused}
    assert [await state(catalogue, order) for order in (placed, refused, fresh)] == ["claimed", "released", "held"]
    assert await catalogue.books(variant) == (3, 2, 0)
    await job.run()
    await settle(catalogue, SellStock(order_id=placed))
    assert await catalogue.books(variant) == (3, 1, 1)


async def test_the_sweep_works_in_batches(catalogue: Catalogue) -> None:
    variant = (await catalogue.add("A", a_variant(stock=BATCH + 1))).variants[0].id
    for _ in range(BATCH + 1):
        await reserve(catalogue, new_id(), (variant, 1), ttl=1)
    catalogue.bench.clock.advance(timedelta(seconds=2))
    sweep = catalogue.use_cases.sweep_reservations
    assert [await catalogue.run(sweep, SweepReservations()) for _ in range(3)] == [BATCH, 1, 0]
    assert await catalogue.books(variant) == (BATCH + 1, 0, 0)


async def test_given_back_reservations_go_after_a_month_and_all_others_stay(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_reservations, "BATCH", 2)
    variant = (await catalogue.add("A", a_variant(stock=20))).variants[0].id
    old, kept = [new_id() for _ in range(5)], {"sold": new_id(), "claimed": new_id(), "held": new_id()}
    for order in [*old, *kept.values()]:
        await reserve(catalogue, order, (variant, 1), ttl=60)
    for order in old:
        await catalogue.service.release(order_id=order)
    await settle(catalogue, SellStock(order_id=kept["sold"]))
    catalogue.orders.place(kept["claimed"])
    job = {job.name: job for job in catalogue.module.jobs}["products.purge-reservations"]
    catalogue.bench.clock.advance(timedelta(days=30, seconds=60))
    await job.run()
    assert await catalogue.count(tables.reserved) == 8
    young = new_id()
    await reserve(catalogue, young, (variant, 1), ttl=60)
    await catalogue.service.release(order_id=young)
    books = await catalogue.books(variant)
    catalogue.bench.clock.advance(timedelta(seconds=1))
    await job.run()
    left = {row.order_id for row in await catalogue.rows(tables.reserved)}
    assert left == {young, *kept.values()}
    assert await catalogue.books(variant) == books
