import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from caddy_shopping.contexts.payments.application.reconcile_payment import ReconcilePayment
from caddy_shopping.contexts.payments.domain.errors import PaymentNotFound, ProviderUnavailable
from caddy_shopping.contexts.payments.domain.payment import PaymentStatus
from caddy_shopping.contexts.payments.domain.webhook import MAX_ATTEMPTS
from caddy_shopping.contexts.payments.interface import jobs as job_module
from caddy_shopping.contexts.payments.interface.jobs import jobs
from caddy_shopping.kernel.actor import SYSTEM, PermissionMissing
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from tests.contexts.payments.world import World, a_customer

AFTER = timedelta(seconds=121)


async def run_job(world: World, name: str = "payments-reconcile") -> None:
    kit = world.bench.kit
    [job] = [each for each in jobs(world.use_cases, kit.run, kit.clock, world.settings) if each.name == name]
    await job.run()


async def test_a_silent_payment_is_found_after_a_while_and_not_before(world: World) -> None:
    payment = await world.pay(world.an_order(), "sandbox_silent")
    assert await world.deliver() == 0
    await run_job(world)
    assert (await world.see(payment)).status is PaymentStatus.PENDING
    assert world.provider.calls == ["create_intent"]
    world.bench.clock.advance(AFTER)
    await run_job(world)
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_two_at_once_tell_it_once(world: World) -> None:
    await world.pay(world.an_order(), "sandbox_silent")
    world.bench.clock.advance(AFTER)
    await asyncio.gather(*(run_job(world) for _ in range(5)))
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_a_payment_that_never_reached_the_provider_is_given_up(world: World) -> None:
    order = world.an_order()
    world.provider.before["create_intent"] = 1
    with pytest.raises(ProviderUnavailable):
        await world.pay(order)
    world.bench.clock.advance(AFTER)
    await run_job(world)
    [row] = await world.rows(world.tables("payments"))
    assert row.status is PaymentStatus.VOIDED
    # The order can be paid anew, and the old attempt cannot come to life.
    renewed = await world.pay(order)
    assert renewed.id != row.id
    late = await world.provider.inner.create_intent(
        payment_id=row.id, order_number="1", amount=order.total, method="sandbox_ok"
    )
    assert late.status is PaymentStatus.VOIDED
    await world.deliver()
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_a_payment_that_was_made_but_not_noted_is_found(world: World) -> None:
    world.provider.after["create_intent"] = 1
    with pytest.raises(ProviderUnavailable):
        await world.pay(world.an_order())
    world.bench.clock.advance(AFTER)
    await run_job(world)
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_a_payment_still_under_way_is_asked_about_again_later(world: World) -> None:
    payment = await world.pay(world.an_order(), "sandbox_slow")
    await world.set("sandbox_intents", settles_at=world.bench.clock.now() + timedelta(hours=1))
    for _ in range(2):
        world.bench.clock.advance(AFTER)
        await run_job(world)
        await run_job(world)
    assert world.provider.calls == ["create_intent", "fetch", "fetch"]
    assert (await world.see(payment)).status is PaymentStatus.PENDING


async def test_an_authorised_payment_whose_webhook_was_lost_is_captured(world: World) -> None:
    payment = await world.pay(world.an_order(), "sandbox_authorized")
    world.bench.clock.advance(AFTER)
    await run_job(world)
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED


async def test_a_refund_that_nothing_was_heard_of_is_asked_about(world: World) -> None:
    order = world.an_order()
    payment = await world.pay(order, "sandbox_silent")
    world.bench.clock.advance(AFTER)
    await run_job(world)
    await world.ask_refund(order.id, 4000)
    assert await world.deliver() == 0
    world.bench.clock.advance(AFTER)
    await run_job(world)
    assert await world.event_names() == ["PaymentSucceeded", "PaymentRefunded"]
    assert (await world.see(payment)).refunded == Money(4000, "CNY")


async def test_a_refund_that_never_reached_the_provider_is_handed_in_again(world: World) -> None:
    payment = await world.paid()
    world.provider.before["refund"] = 1
    await world.ask_refund(payment.order_id, 4000)
    world.bench.clock.advance(AFTER)
    await run_job(world)
    await world.deliver()
    assert await world.count("sandbox_refunds") == 1
    assert await world.event_names() == ["PaymentSucceeded", "PaymentRefunded"]


async def test_one_payment_that_cannot_be_asked_about_does_not_hold_up_the_others(world: World) -> None:
    for _ in range(2):
        await world.pay(world.an_order(), "sandbox_silent")
    world.bench.clock.advance(AFTER)
    world.provider.before["fetch"] = 1
    await run_job(world)
    assert await world.event_names() == ["PaymentSucceeded"]
    world.bench.clock.advance(AFTER)
    await run_job(world)
    assert await world.event_names() == ["PaymentSucceeded"] * 2


async def test_payments_that_cannot_be_asked_about_do_not_starve_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch full of payments whose provider is not here any more; the one behind them has its turn."""
    monkeypatch.setattr(job_module, "BATCH", 2)
    poison = [await world.pay(world.an_order(), "sandbox_silent") for _ in range(2)]
    refunded = await world.paid()
    world.provider.before["refund"] = 1
    await world.ask_refund(refunded.order_id, 4000)
    for payment in [*poison, refunded]:
        await change(world, "payments", payment.id, provider="gone")
    world.bench.clock.advance(timedelta(seconds=1))
    good = await world.pay(world.an_order(), "sandbox_silent")
    world.bench.clock.advance(AFTER)
    for _ in range(2):
        await run_job(world)
    assert (await world.see(good)).status is PaymentStatus.SUCCEEDED
    asked = {row.checked_at for row in await world.rows(world.tables("payment_refunds"))}
    assert asked == {world.bench.clock.now()}
    for payment in poison:
        await change(world, "payments", payment.id, provider="sandbox")
    world.bench.clock.advance(AFTER)
    for _ in range(2):  # all three were asked about at the same moment, so any two of them are first
        await run_job(world)
    assert (await world.see(poison[0])).status is PaymentStatus.SUCCEEDED


async def change(world: World, table: str, row_id: UUID, **values: Any) -> None:
    each = world.tables(table)
    async with world.bench.kit.database.writer.begin() as connection:
        await connection.execute(update(each).where(each.c.id == row_id).values(**values))


async def test_staff_may_ask_and_others_may_not(world: World) -> None:
    payment = await world.pay(world.an_order(), "sandbox_silent")
    run, handler = world.bench.kit.run, world.use_cases.reconcile_payment
    with pytest.raises(PermissionMissing):
        await run(handler, ReconcilePayment(actor=a_customer(), payment_id=payment.id))
    assert "fetch" not in world.provider.calls
    with pytest.raises(PaymentNotFound):
        await run(handler, ReconcilePayment(actor=SYSTEM, payment_id=new_id()))
    assert await run(handler, ReconcilePayment(actor=SYSTEM, payment_id=payment.id))
    assert not await run(handler, ReconcilePayment(actor=SYSTEM, payment_id=payment.id))


async def test_webhooks_that_a_crash_left_behind_are_swept_up(world: World) -> None:
    payment = await world.pay(world.an_order())
    [webhook] = world.sent
    await world.receive(webhook)
    await run_job(world, "payments-webhooks")
    assert (await world.see(payment)).status is PaymentStatus.PENDING
    world.bench.clock.advance(timedelta(seconds=10))
    await asyncio.gather(*(run_job(world, "payments-webhooks") for _ in range(3)))
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_a_webhook_that_cannot_be_processed_does_not_hold_up_the_others(world: World) -> None:
    await world.pay(world.an_order(), "sandbox_authorized")
    payment = await world.pay(world.an_order())
    for webhook in world.sent:
        await world.receive(webhook)
    world.bench.clock.advance(timedelta(seconds=10))
    world.provider.before["capture"] = 1
    await run_job(world, "payments-webhooks")
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED


async def test_webhooks_that_cannot_be_processed_do_not_starve_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "BATCH", 2)
    for _ in range(2):
        await world.pay(world.an_order(), "sandbox_authorized")
    for webhook in world.sent:
        await world.receive(webhook)
    await world.set("payment_webhooks", provider="gone")
    world.sent.clear()
    world.bench.clock.advance(timedelta(seconds=1))
    payment = await world.pay(world.an_order())
    await world.receive(world.sent[0])
    world.bench.clock.advance(timedelta(seconds=10))
    for _ in range(2):
        await run_job(world, "payments-webhooks")
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED
    failed = [row for row in await world.rows(world.tables("payment_webhooks")) if row.provider == "gone"]
    assert [(row.attempts, row.error, row.processed_at) for row in failed] == [(1, "KeyError: 'gone'", None)] * 2


async def test_a_webhook_that_only_ever_fails_is_tried_so_many_times(world: World) -> None:
    await world.pay(world.an_order(), "sandbox_authorized")
    await world.receive(world.sent[0])
    await world.set("payment_webhooks", provider="gone")
    for _ in range(2 * MAX_ATTEMPTS):
        world.bench.clock.advance(timedelta(hours=6, seconds=1))
        await run_job(world, "payments-webhooks")
    [row] = await world.rows(world.tables("payment_webhooks"))
    assert row.attempts == MAX_ATTEMPTS


async def test_a_webhook_that_keeps_failing_waits_for_a_person(world: World) -> None:
    await world.pay(world.an_order())
    [webhook] = world.sent
    await world.receive(webhook)
    await world.set("payment_webhooks", attempts=12)
    world.bench.clock.advance(timedelta(days=2))
    await run_job(world, "payments-webhooks")
    assert await world.event_names() == []
