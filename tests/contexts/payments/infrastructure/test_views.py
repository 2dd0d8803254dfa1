from datetime import timedelta

import pytest

from caddy_shopping.contexts.payments.application.queries import PaymentFilter
from caddy_shopping.contexts.payments.domain.errors import PaymentNotFound
from caddy_shopping.contexts.payments.domain.payment import PaymentStatus
from caddy_shopping.kernel.actor import ANONYMOUS, Actor, PermissionMissing, Role
from caddy_shopping.kernel.errors import Unauthenticated
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import PageRequest
from tests.contexts.payments.world import World, a_clerk, a_customer

PAGE = PageRequest()


async def test_a_buyer_sees_only_their_own_payments(world: World) -> None:
    order = world.an_order()
    first = await world.pay(order, "sandbox_declined")
    await world.deliver()
    second = await world.pay(order)
    buyer, queries = Actor(Role.GUEST, order.user_id), world.use_cases.queries
    mine = await queries.of_order(actor=buyer, order_id=order.id, page=PAGE)
    assert [view.id for view in mine.items] == [second.id, first.id]
    assert (await queries.of_order(actor=a_customer(), order_id=order.id, page=PAGE)).items == []
    for other in (a_customer(), a_clerk()):
        with pytest.raises(PaymentNotFound):
            await queries.payment(actor=other, payment_id=first.id)
    with pytest.raises(Unauthenticated):
        await queries.payment(actor=ANONYMOUS, payment_id=first.id)


async def test_staff_finds_payments_by_what_they_know(world: World) -> None:
    declined = await world.paid(method="sandbox_declined")
    world.bench.clock.advance(timedelta(hours=1))
    paid = await world.paid()
    queries, clerk, now = world.use_cases.queries, a_clerk(), world.bench.clock.now()
    user_id = world.orders.orders[paid.order_id].user_id

    async def found(**wanted: object) -> list[object]:
        wanted_filter = PaymentFilter(**wanted)  # type: ignore[arg-type]
        return [view.id for view in (await queries.payments(actor=clerk, wanted=wanted_filter, page=PAGE)).items]

    assert await found() == [paid.id, declined.id]
    assert await found(status=PaymentStatus.DECLINED) == [declined.id]
    assert await found(order_id=paid.order_id) == [paid.id]
    assert await found(user_id=user_id) == [paid.id]
    assert await found(provider="sandbox", created_from=now) == [paid.id]
    assert await found(created_before=now) == [declined.id]
    assert await found(provider="gold") == []
    with pytest.raises(PermissionMissing):
        await queries.payments(actor=a_customer(), wanted=PaymentFilter(), page=PAGE)


async def test_pages_follow_each_other_without_gap(world: World) -> None:
    made = [(await world.pay(world.an_order())).id for _ in range(5)]
    queries, seen, cursor = world.use_cases.queries, [], None
    while True:
        page = PageRequest(limit=2, cursor=cursor, total=True)
        rows = await queries.payments(actor=a_clerk(), wanted=PaymentFilter(), page=page)
        assert rows.total == 5
        seen += [view.id for view in rows.items]
        cursor = rows.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_the_detail_tells_the_whole_story(world: World) -> None:
    payment = await world.paid(method="sandbox_out_of_order")
    await world.ask_refund(payment.order_id, 100)
    await world.deliver()
    detail = await world.use_cases.queries.detail(actor=a_clerk(), payment_id=payment.id)
    assert detail.payment.provider == "sandbox"
    assert detail.payment.reference == f"si_{payment.id.hex}"
    assert [(refund.status, refund.reason) for refund in detail.refunds] == [("SUCCEEDED", "does not fit")]
    assert [webhook.type for webhook in detail.webhooks] == [
        "payment.succeeded",
        "payment.processing",
        "refund.succeeded",
    ]
    assert all(webhook.processed_at and not webhook.error for webhook in detail.webhooks)
    with pytest.raises(PaymentNotFound):
        await world.use_cases.queries.detail(actor=a_clerk(), payment_id=new_id())
    with pytest.raises(PermissionMissing):
        await world.use_cases.queries.detail(actor=a_customer(), payment_id=payment.id)
