"""Stock follows what happens to orders, effect once."""

from typing import Any
from uuid import UUID

import pytest

from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contracts.orders import OrderCancelled, OrderLineFact, OrderPaid, OrderReturned
from caddy_shopping.contracts.products import ReservationGone, ReservationLine
from caddy_shopping.kernel.events import Event
from caddy_shopping.kernel.ids import new_id
from tests.contexts.products.conftest import Catalogue, yuan


async def deliver(catalogue: Catalogue, event: Event, event_id: UUID) -> bool:
    (consumer,) = [each for each in catalogue.module.consumers if each.event is type(event)]
    return await catalogue.run.consume(consumer.name, event_id, consumer.handler, consumer.command(event))


def of(order_id: UUID) -> dict[str, Any]:
    return {"order_id": order_id, "number": "1", "user_id": new_id(), "email": "a@example.com", "language": "en"}


def lines(variant_id: UUID, quantity: int) -> list[OrderLineFact]:
    return [OrderLineFact(variant_id, "S", "A", quantity, yuan(1))]


async def reserved(catalogue: Catalogue, quantity: int = 2) -> tuple[UUID, UUID]:
    variant, order = (await catalogue.add()).variants[0].id, new_id()
    asked = [ReservationLine(variant, quantity)]
    await catalogue.service.reserve(order_id=order, lines=asked, ttl_seconds=60)
    return variant, order


async def test_paid_cancelled_and_delivered_twice(catalogue: Catalogue) -> None:
    variant, order = await reserved(catalogue)
    paid = OrderPaid(lines=lines(variant, 2), total=yuan(1), **of(order))
    event_id = new_id()
    assert [await deliver(catalogue, paid, event_id) for _ in range(2)] == [True, False]
    assert await catalogue.books(variant) == (3, 0, 2)
    cancelled = OrderCancelled(reason="changed mind", was_paid=True, lines=lines(variant, 2), **of(order))
    for event_id in (new_id(), new_id()):
        await deliver(catalogue, cancelled, event_id)
    assert await catalogue.books(variant) == (5, 0, 0)


async def test_cancelled_unpaid(catalogue: Catalogue) -> None:
    variant, order = await reserved(catalogue)
    cancelled = OrderCancelled(reason="expired", was_paid=False, lines=lines(variant, 2), **of(order))
    await deliver(catalogue, cancelled, new_id())
    assert await catalogue.books(variant) == (5, 0, 0)


async def test_returned(catalogue: Catalogue) -> None:
    variant, order = await reserved(catalogue)
    await deliver(catalogue, OrderPaid(lines=lines(variant, 2), total=yuan(1), **of(order)), new_id())
    returned = OrderReturned(return_id=new_id(), lines=lines(variant, 1), **of(order))
    for event_id in (new_id(), new_id()):
        await deliver(catalogue, returned, event_id)
    assert await catalogue.books(variant) == (4, 0, 1)


async def test_returned_in_part_and_then_cancelled(catalogue: Catalogue) -> None:
    """The event carries what is left; what came back before is on the shelf already."""
    variant, order = await reserved(catalogue, 3)
    await deliver(catalogue, OrderPaid(lines=lines(variant, 3), total=yuan(1), **of(order)), new_id())
    await deliver(catalogue, OrderReturned(return_id=new_id(), lines=lines(variant, 1), **of(order)), new_id())
    cancelled = OrderCancelled(reason="changed mind", was_paid=True, lines=lines(variant, 2), **of(order))
    await deliver(catalogue, cancelled, new_id())
    assert await catalogue.books(variant) == (5, 0, 0)


async def test_paid_without_stock_is_not_swallowed(catalogue: Catalogue) -> None:
    variant, order = await reserved(catalogue)
    await catalogue.service.release(order_id=order)
    paid = OrderPaid(lines=lines(variant, 2), total=yuan(1), **of(order))
    with pytest.raises(ReservationGone):
        await deliver(catalogue, paid, new_id())
    assert await catalogue.books(variant) == (5, 0, 0)
    assert await catalogue.count(tables.platform_tables.inbox) == 0
