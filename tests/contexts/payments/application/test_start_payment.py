import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from caddy_shopping.contexts.payments.application.start_payment import StartPayment
from caddy_shopping.contexts.payments.application.views import PaymentView
from caddy_shopping.contexts.payments.domain.errors import (
    OrderNotPayable,
    OrderPaymentExpired,
    PaymentInProgress,
    PaymentMethodUnknown,
    ProviderUnavailable,
)
from caddy_shopping.contexts.payments.domain.payment import Payment, PaymentStatus
from caddy_shopping.contexts.payments.infrastructure.repositories import SqlPayments
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.kernel.actor import ANONYMOUS, Actor, Role
from caddy_shopping.kernel.errors import ShopError, Unauthenticated
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.idempotency import LEASE, IdempotencyKey, IdempotencyKeys
from caddy_shopping.platform.execution import Claim, Rendered
from tests.contexts.payments.world import World, a_customer


async def test_an_order_is_paid_when_the_webhook_comes(world: World) -> None:
    order = world.an_order()
    payment = await world.pay(order)
    assert (payment.status, payment.amount, payment.order_number) == ("PENDING", Money(9999, "CNY"), order.number)
    assert await world.event_names() == []
    await world.deliver()
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED
    [(kind, event)] = await world.events()
    assert kind == "PaymentSucceeded"
    assert (event["orderId"], event["amount"]) == (str(order.id), {"amount": 9999, "currency": "CNY"})


@pytest.mark.parametrize(
    ("method", "reason"),
    [("sandbox_declined", "card_declined"), ("sandbox_insufficient_funds", "insufficient_funds")],
)
async def test_a_decline_says_why_and_the_buyer_may_try_again(world: World, method: str, reason: str) -> None:
    order = world.an_order()
    first = await world.pay(order, method)
    await world.deliver()
    seen = await world.see(first)
    assert (seen.status, seen.reason) == (PaymentStatus.DECLINED, reason)
    second = await world.pay(order)
    assert second.id != first.id
    await world.deliver()
    assert await world.event_names() == ["PaymentDeclined", "PaymentSucceeded"]


async def test_only_ones_own_order_can_be_paid(world: World) -> None:
    order = world.an_order()
    with pytest.raises(OrderNotFound):
        await world.pay(order, actor=a_customer())
    with pytest.raises(Unauthenticated):
        await world.pay(order, actor=ANONYMOUS)
    assert await world.count("payments") == 0


@pytest.mark.parametrize("status", ["PAID", "CANCELLED", "SHIPPED", "REFUNDED"])
async def test_an_order_past_payment_is_refused_by_name(world: World, status: str) -> None:
    with pytest.raises(OrderNotPayable, match=status):
        await world.pay(world.an_order(status=status))
    assert await world.count("payments") == 0
    assert world.provider.calls == []


async def test_an_expired_order_is_refused_by_name(world: World) -> None:
    order = world.an_order()
    world.bench.clock.advance(timedelta(minutes=30))
    with pytest.raises(OrderPaymentExpired):
        await world.pay(order)
    assert await world.count("payments") == 0
    late = world.an_order(expires_in=timedelta(microseconds=1))
    assert (await world.pay(late)).status is PaymentStatus.PENDING


async def test_an_unknown_method_is_refused_before_anything_is_kept(world: World) -> None:
    with pytest.raises(PaymentMethodUnknown, match="sandbox_ok"):
        await world.pay(world.an_order(), "gold")
    assert await world.count("payments") == 0


async def test_asking_again_with_the_same_method_answers_the_payment_that_is_there(world: World) -> None:
    order = world.an_order()
    first = await world.pay(order)
    assert await world.pay(order) == first
    await world.deliver()
    assert (await world.pay(order)).status is PaymentStatus.SUCCEEDED
    assert (await world.count("payments"), await world.count("sandbox_intents")) == (1, 1)


async def test_many_at_once_make_one_payment(world: World) -> None:
    order = world.an_order()
    views = await asyncio.gather(*(world.pay(order) for _ in range(10)))
    assert len({view.id for view in views}) == 1
    assert (await world.count("payments"), await world.count("sandbox_intents")) == (1, 1)
    await world.deliver()
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_another_method_replaces_a_payment_that_can_be_called_back(world: World) -> None:
    order = world.an_order()
    slow = await world.pay(order, "sandbox_slow")
    quick = await world.pay(order, "sandbox_ok")
    assert quick.id != slow.id
    world.bench.clock.advance(timedelta(minutes=1))
    await world.deliver()
    assert (await world.see(slow)).status is PaymentStatus.VOIDED
    assert (await world.see(quick)).status is PaymentStatus.SUCCEEDED
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_another_method_is_refused_where_the_money_was_taken(world: World) -> None:
    order = world.an_order()
    taken = await world.pay(order, "sandbox_silent")
    with pytest.raises(PaymentInProgress, match="sandbox_silent"):
        await world.pay(order, "sandbox_ok")
    # Asking brought the success to light.
    assert (await world.see(taken)).status is PaymentStatus.SUCCEEDED
    with pytest.raises(PaymentInProgress):
        await world.pay(order, "sandbox_ok")
    assert await world.event_names() == ["PaymentSucceeded"]
    assert await world.count("payments") == 1


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_crash_between_the_two_savings_is_healed_by_the_retry(world: World, moment: str) -> None:
    order = world.an_order()
    getattr(world.provider, moment)["create_intent"] = 1
    with pytest.raises(ProviderUnavailable):
        await world.pay(order)
    [left] = await world.rows(world.tables("payments"))
    assert (left.status, left.reference) == (PaymentStatus.CREATED, None)
    healed = await world.pay(order)
    assert healed.id == left.id
    await world.deliver()
    assert (await world.see(healed)).status is PaymentStatus.SUCCEEDED
    assert (await world.count("payments"), await world.count("sandbox_intents")) == (1, 1)
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_a_webhook_that_is_faster_than_the_second_saving_counts(world: World) -> None:
    order = world.an_order()
    world.provider.after["create_intent"] = 1
    with pytest.raises(ProviderUnavailable):
        await world.pay(order)
    await world.deliver()
    healed = await world.pay(order)
    assert healed.status is PaymentStatus.SUCCEEDED
    assert world.provider.calls == ["create_intent"]


async def test_a_payment_whose_order_was_cancelled_meanwhile_answers_voided(world: World) -> None:
    order = world.an_order()
    world.provider.before["create_intent"] = 1
    with pytest.raises(ProviderUnavailable):
        await world.pay(order)
    [left] = await world.rows(world.tables("payments"))
    # The order is cancelled, and its event is here, while the provider is being asked.
    await world.provider.inner.void(payment_id=left.id)
    assert (await world.pay(order)).status is PaymentStatus.VOIDED
    await world.deliver()
    assert await world.event_names() == []


async def test_who_loses_the_race_for_the_order_answers_the_winners_payment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes, each of which looked before the other wrote: the unique key decides."""
    order = world.an_order()
    winner = await world.pay(order)
    real, looks = SqlPayments.active, 0

    async def too_early(self: SqlPayments, order_id: UUID) -> Payment | None:
        nonlocal looks
        looks += 1
        return await real(self, order_id) if looks > 1 else None

    monkeypatch.setattr(SqlPayments, "active", too_early)
    assert await world.pay(order) == winner
    assert looks == 2
    assert (await world.count("payments"), await world.count("sandbox_intents")) == (1, 1)


@pytest.mark.parametrize("cut_short", [True, False])
async def test_a_payment_that_paid_the_order_after_its_request_was_killed(world: World, cut_short: bool) -> None:
    """Only the retry of that very request hears of its payment; a new request hears that the order is paid."""
    order, kit = world.an_order(), world.bench.kit
    key = IdempotencyKey("buyer:POST /payments", "key-1", b"0" * 32)
    if cut_short:
        await IdempotencyKeys(kit.database, kit.tables, kit.clock).claim(
            key, Claim(key.scope, key.key, new_id(), lambda answer: Rendered(201, {}, b""))
        )
        world.bench.clock.advance(LEASE + timedelta(seconds=1))
    paid = await world.pay(order)
    await world.deliver()
    world.orders.change(order.id, status="PAID")

    def render(view: PaymentView) -> Rendered:
        return Rendered(201, {}, str(view.id).encode())

    def refuse(error: ShopError) -> Rendered:
        return Rendered(409, {}, error.code.encode())

    command = StartPayment(actor=Actor(Role.CUSTOMER, order.user_id, new_id()), order_id=order.id, method="sandbox_ok")
    answer = await kit.run.once(key, world.use_cases.start_payment, command, render, refuse)
    assert answer.body == (str(paid.id).encode() if cut_short else b"ORDER_NOT_PAYABLE")
    assert await world.count("payments") == 1
