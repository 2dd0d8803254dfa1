"""What staff do with orders."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from caddy_shopping.contexts.orders.application.cancel_order import CancelOrder
from caddy_shopping.contexts.orders.application.complete_order import CompleteOrder
from caddy_shopping.contexts.orders.application.queries import OrderFilter
from caddy_shopping.contexts.orders.application.read_orders import FindOrder, ListOrders
from caddy_shopping.contexts.orders.application.refund_order import RefundOrder
from caddy_shopping.contexts.orders.application.retry_refund import RetryRefund
from caddy_shopping.contexts.orders.application.return_goods import ReturnGoods
from caddy_shopping.contexts.orders.application.ship_order import ShipOrder
from caddy_shopping.contexts.orders.application.views import OrderSummary
from caddy_shopping.contexts.orders.domain.errors import RefundUnclear
from caddy_shopping.contexts.orders.domain.order import OrderStatus
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.kernel.actor import Actor, PermissionMissing
from caddy_shopping.kernel.errors import PreconditionFailed
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest, Slice, encode_cursor
from tests.contexts.orders.conftest import STAFF, Shop
from tests.support.statements import counted

FIRST_PAGE = PageRequest()


def commands(shop: Shop, actor: Actor, order: Any, version: int) -> list[tuple[Callable[[Any], Awaitable[Any]], Any]]:
    cases = shop.use_cases
    head: dict[str, Any] = {"actor": actor, "order_id": order.id, "version": version}
    line = order.lines[0].id
    return [
        (cases.ship_order, ShipOrder(**head, carrier="SF", tracking_number="1")),
        (cases.complete_order, CompleteOrder(**head)),
        (cases.return_goods, ReturnGoods(**head, lines=[(line, 1)], restock=True)),
        (cases.refund_order, RefundOrder(**head, reason="r", amount=Money(1, "CNY"))),
        (cases.retry_refund, RetryRefund(**head, refund_id=new_id())),
        (cases.cancel_order, CancelOrder(**head, reason="r", as_staff=True)),
    ]


async def test_buyers_are_no_staff(shop: Shop) -> None:
    order = await shop.a_paid_order()
    for handler, command in commands(shop, shop.buyer, order, order.version):
        with pytest.raises(PermissionMissing):
            await shop.run(handler, command)
    with pytest.raises(PermissionMissing):
        await shop.run(shop.use_cases.find_order, FindOrder(actor=shop.buyer, reference=order.number, as_staff=True))
    with pytest.raises(PermissionMissing):
        await listed(shop, actor=shop.buyer, as_staff=True)
    assert (await shop.read(order)).version == order.version


async def test_a_change_to_an_older_copy_is_refused(shop: Shop) -> None:
    order = await shop.a_paid_order()
    for handler, command in commands(shop, STAFF, order, order.version - 1):
        with pytest.raises(PreconditionFailed):
            await shop.run(handler, command)
    assert (await shop.read(order)).version == order.version


async def test_ship_complete_return_and_refund_with_everybody_s_name_on_it(shop: Shop) -> None:
    order: Any = await shop.a_paid_order(5000, 3)
    cases = shop.use_cases

    def head() -> dict[str, Any]:
        return {"actor": STAFF, "order_id": order.id, "version": order.version}

    order = await shop.run(cases.ship_order, ShipOrder(**head(), carrier="SF", tracking_number="123"))
    assert (order.status, order.carrier, order.tracking_number) == ("SHIPPED", "SF", "123")
    order = await shop.run(cases.complete_order, CompleteOrder(**head()))
    line = order.lines[0].id
    order = await shop.run(cases.return_goods, ReturnGoods(**head(), lines=[(line, 1), (line, 1)], restock=False))
    assert order.lines[0].returned == 2
    both = RefundOrder(**head(), reason="scratched", lines=[(line, 1)], restock=True)
    order = await shop.run(cases.refund_order, both)
    assert (order.refunds[0].amount, order.status) == (Money(5000, "CNY"), "COMPLETED")

    detail = await shop.read(order)
    assert [entry.action for entry in detail.history] == [
        *["placed", "paid", "shipped", "completed", "returned", "refund_requested", "restocked"]
    ]
    assert [entry.actor_id for entry in detail.history] == [shop.buyer.id, None, *[STAFF.id] * 5]
    kinds = [kind for kind, _ in await shop.bench.outbox()]
    assert kinds[2:] == ["OrderShipped", "OrderCompleted", "OrderRefundRequested", "OrderReturned"]
    [returned] = await shop.events("OrderReturned")
    assert [(fact.quantity, fact.total) for fact in returned.lines] == [(1, Money(5000, "CNY"))]


async def test_a_refund_says_what_it_means(shop: Shop) -> None:
    order = await shop.a_paid_order()
    line, one = order.lines[0].id, Money(1, "CNY")
    unclear: list[dict[str, Any]] = [{}, {"amount": one, "lines": [(line, 1)]}, {"amount": one, "restock": True}]
    for given in unclear:
        head: dict[str, Any] = {"actor": STAFF, "order_id": order.id, "version": order.version, "reason": "r"}
        with pytest.raises(RefundUnclear):
            await shop.run(shop.use_cases.refund_order, RefundOrder(**(head | given)))
    assert await shop.events("OrderRefundRequested") == []


async def test_staff_cancel_an_order_of_anybody(shop: Shop) -> None:
    order = await shop.an_order()
    command = CancelOrder(actor=STAFF, order_id=order.id, reason="fraud", as_staff=True, version=order.version)
    view = await shop.run(shop.use_cases.cancel_order, command)
    assert (view.status, view.cancel_reason) == ("CANCELLED", "fraud")


async def listed(
    shop: Shop, actor: Actor = STAFF, page: PageRequest = FIRST_PAGE, as_staff: bool = True, **wanted: Any
) -> Slice[OrderSummary]:
    command = ListOrders(actor=actor, wanted=OrderFilter(**wanted), page=page, as_staff=as_staff)
    return await shop.run(shop.use_cases.list_orders, command)


async def test_an_order_is_found_by_id_and_by_number_in_any_spelling(shop: Shop) -> None:
    order = await shop.an_order()

    async def found(actor: Actor, reference: str, as_staff: bool = False) -> Any:
        command = FindOrder(actor=actor, reference=reference, as_staff=as_staff)
        return await shop.run(shop.use_cases.find_order, command)

    with counted() as statements:
        detail = await found(shop.buyer, str(order.id))
    assert len(statements) == 2
    spelled = order.number.lower().replace("-", "").replace("0", "o")
    assert detail == await found(shop.buyer, spelled) == await found(shop.buyer, order.number)
    assert detail.history[0].actor_id is None, "buyers do not see who of the staff did it"
    assert (await found(STAFF, order.number, True)).history[0].actor_id == shop.buyer.id
    for actor, reference in [
        (shop.another_buyer(), order.number),
        (shop.another_buyer(), str(order.id)),
        (shop.buyer, str(new_id())),
        (shop.buyer, "0000-0000-1"),
        (shop.buyer, "no such thing"),
    ]:
        with pytest.raises(OrderNotFound):
            await found(actor, reference)


async def test_lists_are_filtered_and_one_s_own(shop: Shop) -> None:
    other = shop.another_buyer()
    mine, paid, theirs = await shop.an_order(), await shop.a_paid_order(), await shop.an_order(actor=other)

    async def ids(**given: Any) -> list[Any]:
        return [order.id for order in (await listed(shop, **given)).items]

    assert await ids() == [theirs.id, paid.id, mine.id]
    assert await ids(actor=shop.buyer, as_staff=False) == [paid.id, mine.id]
    assert await ids(actor=other, as_staff=False, user_id=shop.buyer.id) == [theirs.id], "no peeping"
    assert await ids(actor=shop.buyer, as_staff=False, status=OrderStatus.PAID) == [paid.id]
    assert await ids(user_id=other.id) == [theirs.id]
    assert await ids(number=mine.number.lower()) == [mine.id]
    assert await ids(number="nonsense") == []
    assert (await listed(shop, page=PageRequest(total=True), number="nonsense")).total == 0
    assert await ids(email="ADA@example.com") == [paid.id, mine.id]
    assert await ids(placed_from=mine.placed_at, placed_before=mine.placed_at) == []
    assert len(await ids(placed_from=mine.placed_at)) == 3


async def test_pages_follow_one_another_in_two_statements(shop: Shop) -> None:
    placed = [await shop.an_order() for _ in range(5)]
    seen: list[Any] = []
    page: PageRequest | None = PageRequest(limit=2)
    while page is not None:
        with counted() as statements:
            found = await listed(shop, page=page)
        assert len(statements) == 2
        assert all(order.lines[0].quantity == 2 for order in found.items)
        seen += [order.id for order in found.items]
        page = PageRequest(limit=2, cursor=found.next_cursor) if found.next_cursor else None
    assert seen == [order.id for order in reversed(placed)]
    assert (await listed(shop, page=PageRequest(limit=1, total=True))).total == 5
    assert (await listed(shop, user_id=new_id())).items == []


async def test_a_cursor_without_a_time_zone_is_refused(shop: Shop) -> None:
    with pytest.raises(CursorInvalid):
        await listed(shop, page=PageRequest(cursor=encode_cursor(("2026-01-01T00:00:00", new_id()))))
