"""What a provider has to keep, whoever it is; and what the sandbox's methods do."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from caddy_shopping.contexts.payments.domain.errors import PaymentNotFound
from caddy_shopping.contexts.payments.domain.payment import PaymentStatus
from caddy_shopping.contexts.payments.domain.refund import RefundStatus
from caddy_shopping.contexts.payments.infrastructure.sandbox.intent import Intent
from caddy_shopping.contexts.payments.infrastructure.sandbox.ledger import Ledger
from caddy_shopping.contexts.payments.infrastructure.sandbox.mailbox import Mailbox
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from tests.contexts.payments.world import World

TOTAL = Money(9999, "CNY")


def kinds(world: World) -> list[str]:
    """The types of the webhooks sent so far, copies too."""
    return [webhook.body.split(b'"')[3].decode() for webhook in world.sent]


@pytest.mark.parametrize(
    ("method", "told", "end", "reason"),
    [
        ("sandbox_ok", ["payment.succeeded"], PaymentStatus.SUCCEEDED, None),
        ("sandbox_declined", ["payment.declined"], PaymentStatus.DECLINED, "card_declined"),
        ("sandbox_insufficient_funds", ["payment.declined"], PaymentStatus.DECLINED, "insufficient_funds"),
        ("sandbox_slow", ["payment.processing"], PaymentStatus.PENDING, None),
        (
            "sandbox_duplicate",
            ["payment.processing"] * 2 + ["payment.succeeded"] * 2,
            PaymentStatus.SUCCEEDED,
            None,
        ),
        ("sandbox_out_of_order", ["payment.succeeded", "payment.processing"], PaymentStatus.SUCCEEDED, None),
        ("sandbox_silent", [], PaymentStatus.SUCCEEDED, None),
        ("sandbox_refund_fails", ["payment.succeeded"], PaymentStatus.SUCCEEDED, None),
        ("sandbox_authorized", ["payment.authorized"], PaymentStatus.PENDING, None),
    ],
)
async def test_the_name_of_a_method_says_what_happens(
    world: World, method: str, told: list[str], end: PaymentStatus, reason: str | None
) -> None:
    payment_id = new_id()
    made = await world.provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method=method)
    assert made.status is PaymentStatus.PENDING
    assert kinds(world) == told
    seen = await world.provider.fetch(payment_id=payment_id)
    assert seen is not None
    assert (seen.status, seen.reason, seen.reference) == (end, reason, made.reference)
    assert seen.captured == (TOTAL if end is PaymentStatus.SUCCEEDED else None)


async def test_every_call_may_be_made_again(world: World) -> None:
    provider, payment_id, refund_id = world.provider, new_id(), new_id()
    for _ in range(3):
        await provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method="sandbox_authorized")
    assert kinds(world) == ["payment.authorized"]
    taken = await asyncio.gather(*(provider.capture(payment_id=payment_id) for _ in range(3)))
    assert {seen.status for seen in taken} == {PaymentStatus.SUCCEEDED}
    given = await asyncio.gather(
        *(provider.refund(refund_id=refund_id, payment_id=payment_id, amount=TOTAL) for _ in range(3))
    )
    assert {seen.status for seen in given} == {RefundStatus.SUCCEEDED}
    assert kinds(world) == ["payment.authorized", "payment.succeeded", "refund.succeeded"]
    found = await provider.fetch_refund(refund_id=refund_id)
    assert found == given[0]


async def test_void_is_told_once_and_takes_the_promised_success_back(world: World) -> None:
    provider, payment_id = world.provider, new_id()
    await provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method="sandbox_slow")
    for _ in range(2):
        assert (await provider.void(payment_id=payment_id)).status is PaymentStatus.VOIDED
    assert kinds(world) == ["payment.processing", "payment.voided"]
    rows = await world.rows(world.tables("sandbox_webhooks"))
    assert {row.type for row in rows} == {"payment.processing", "payment.voided"}
    assert (await provider.capture(payment_id=payment_id)).status is PaymentStatus.VOIDED


async def test_void_after_the_money_was_taken_says_so(world: World) -> None:
    provider, payment_id = world.provider, new_id()
    await provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method="sandbox_slow")
    world.bench.clock.advance(timedelta(seconds=5))
    assert (await provider.void(payment_id=payment_id)).status is PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("method", ["sandbox_ok", "sandbox_slow"])
async def test_a_void_that_had_to_wait_does_not_take_back_what_was_told(
    world: World, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asked, found nothing, and stood still; meanwhile the intent was made, settled, and its success sent."""
    provider, payment_id, find = world.provider, new_id(), Ledger.find

    async def find_and_stand_still(ledger: Ledger, intent_id: UUID) -> Intent | None:
        found = await find(ledger, intent_id)
        monkeypatch.undo()
        world.bench.clock.advance(timedelta(seconds=1))
        await provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method=method)
        world.bench.clock.advance(timedelta(seconds=5))
        return found

    monkeypatch.setattr(Ledger, "find", find_and_stand_still)
    assert (await provider.void(payment_id=payment_id)).status is PaymentStatus.SUCCEEDED
    seen = await provider.fetch(payment_id=payment_id)
    assert seen is not None
    assert seen.status is PaymentStatus.SUCCEEDED


async def test_a_success_on_its_way_is_not_taken_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends it had the later clock."""
    provider, payment_id = world.provider, new_id()
    await provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method="sandbox_slow")
    later = world.bench.clock.now() + timedelta(seconds=5)
    mailbox = Mailbox(world.bench.kit.database)
    assert [b"payment.succeeded" in each.body for each in await mailbox.due(later, set())][-1]
    assert (await provider.void(payment_id=payment_id)).status is PaymentStatus.PENDING
    assert "payment.voided" not in kinds(world)


async def test_two_that_look_for_what_is_due_share_it(world: World) -> None:
    for _ in range(5):
        await world.provider.create_intent(payment_id=new_id(), order_number="1", amount=TOTAL, method="sandbox_slow")
    later, mailbox = world.bench.clock.now() + timedelta(seconds=5), Mailbox(world.bench.kit.database)
    found = await asyncio.gather(*(mailbox.due(later, set()) for _ in range(4)))
    ids = [each.id for some in found for each in some]
    assert len(ids) == len(set(ids)) == 10


async def test_void_of_a_reserved_payment_releases_it(world: World) -> None:
    provider, payment_id = world.provider, new_id()
    await provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method="sandbox_authorized")
    assert (await provider.void(payment_id=payment_id)).status is PaymentStatus.VOIDED
    assert (await provider.capture(payment_id=payment_id)).status is PaymentStatus.VOIDED


async def test_an_intent_that_is_not_known_is_barred_by_void(world: World) -> None:
    provider, payment_id = world.provider, new_id()
    assert await provider.fetch(payment_id=payment_id) is None
    seen = await asyncio.gather(*(provider.void(payment_id=payment_id) for _ in range(3)))
    assert {one.status for one in seen} == {PaymentStatus.VOIDED}
    late = await provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method="sandbox_ok")
    assert late.status is PaymentStatus.VOIDED
    assert kinds(world) == []


@pytest.mark.parametrize(
    ("method", "amount", "failure"),
    [
        ("sandbox_ok", 10_000, "exceeds_captured"),
        ("sandbox_refund_fails", 1, "refund_refused"),
        ("sandbox_declined", 1, "not_captured"),
    ],
)
async def test_a_refund_that_cannot_be_had_fails_and_stays_so(
    world: World, method: str, amount: int, failure: str
) -> None:
    provider, payment_id, refund_id = world.provider, new_id(), new_id()
    await provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method=method)
    for _ in range(2):
        seen = await provider.refund(refund_id=refund_id, payment_id=payment_id, amount=Money(amount, "CNY"))
        assert (seen.status, seen.reason) == (RefundStatus.FAILED, failure)
    assert kinds(world)[1:] == ["refund.failed"]


async def test_refunds_together_never_exceed_what_was_taken(world: World) -> None:
    provider, payment_id = world.provider, new_id()
    await provider.create_intent(payment_id=payment_id, order_number="1", amount=TOTAL, method="sandbox_silent")
    seen = await asyncio.gather(
        *(provider.refund(refund_id=new_id(), payment_id=payment_id, amount=Money(4000, "CNY")) for _ in range(5))
    )
    assert [one.status for one in seen].count(RefundStatus.SUCCEEDED) == 2
    assert kinds(world) == []


async def test_what_was_never_made_cannot_be_captured_or_refunded(world: World) -> None:
    with pytest.raises(PaymentNotFound):
        await world.provider.capture(payment_id=new_id())
    with pytest.raises(PaymentNotFound):
        await world.provider.refund(refund_id=new_id(), payment_id=new_id(), amount=TOTAL)
    assert await world.provider.fetch_refund(refund_id=new_id()) is None
