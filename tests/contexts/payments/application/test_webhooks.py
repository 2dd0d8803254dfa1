import asyncio
from datetime import timedelta

import msgspec
import pytest

from caddy_shopping.contexts.payments.application.process_webhook import ProcessWebhook
from caddy_shopping.contexts.payments.application.receive_webhook import ReceiveWebhook
from caddy_shopping.contexts.payments.domain.errors import ProviderUnavailable, ProviderUnknown, WebhookMalformed
from caddy_shopping.contexts.payments.domain.payment import PaymentStatus
from caddy_shopping.contexts.payments.infrastructure.repositories import SqlWebhooks
from caddy_shopping.contexts.payments.infrastructure.sandbox.mailbox import Outgoing
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.security.signatures import (
    WebhookSecrets,
    WebhookSignatureInvalid,
    WebhookTimestampInvalid,
)
from tests.contexts.payments.world import OLD_SECRET, SECRET, World, a_clerk


async def test_twenty_identical_webhooks_at_once_make_one_event(world: World) -> None:
    await world.pay(world.an_order())
    [webhook] = world.sent
    received = await asyncio.gather(*(world.receive(webhook) for _ in range(20)))
    fresh = [each.pending for each in received if each.pending is not None]
    assert len(fresh) == 1
    assert await world.count("payment_webhooks") == 1
    run = world.bench.kit.run
    # Even if the row is taken up by many at once: by the background, and by sweeps.
    command = ProcessWebhook(webhook=fresh[0])
    done = await asyncio.gather(*(run(world.use_cases.process_webhook, command) for _ in range(20)))
    assert sorted(done) == [False] * 19 + [True]
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_without_the_unique_event_id_the_same_webhook_would_be_two(world: World) -> None:
    """Negative control: another id is another event; it is the id that makes twenty into one."""
    await world.pay(world.an_order())
    [webhook] = world.sent
    await world.receive(webhook)
    await world.receive(msgspec.structs.replace(webhook, event_id="msg_other"))
    assert await world.count("payment_webhooks") == 2


@pytest.mark.parametrize(
    ("method", "sendings", "events"),
    [("sandbox_duplicate", 4, 2), ("sandbox_out_of_order", 2, 2), ("sandbox_ok", 1, 1)],
)
async def test_duplicates_and_wrong_order_end_as_one_success(
    world: World, method: str, sendings: int, events: int
) -> None:
    payment = await world.pay(world.an_order(), method)
    assert await world.deliver() == sendings
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED
    assert await world.count("payment_webhooks") == events
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_a_forged_webhook_leaves_nothing(world: World) -> None:
    payment = await world.pay(world.an_order())
    [webhook] = world.sent
    forgeries = [
        (WebhookSecrets([OLD_SECRET]).sign(webhook.event_id, webhook.body, world.bench.clock.now()), webhook.body),
        (world.secrets.sign(webhook.event_id, webhook.body, world.bench.clock.now()), webhook.body + b" "),
        (world.secrets.sign("msg_other", webhook.body, world.bench.clock.now()) | {"webhook-id": "x"}, webhook.body),
        ({}, webhook.body),
    ]
    for headers, body in forgeries:
        command = ReceiveWebhook(provider="sandbox", headers=headers, body=body)
        with pytest.raises(WebhookSignatureInvalid):
            await world.bench.kit.run(world.use_cases.receive_webhook, command)
    assert await world.count("payment_webhooks") == 0
    assert (await world.see(payment)).status is PaymentStatus.PENDING
    # Negative control: the same, honestly signed, is taken.
    assert (await world.receive(webhook)).pending is not None
    assert await world.count("payment_webhooks") == 1


@pytest.mark.parametrize(("age", "refused"), [(301, True), (-301, True), (299, False), (-299, False)])
async def test_a_replay_with_an_old_timestamp_is_refused(world: World, age: int, refused: bool) -> None:
    await world.pay(world.an_order())
    [webhook] = world.sent
    headers = world.secrets.sign(webhook.event_id, webhook.body, world.bench.clock.now())
    world.bench.clock.advance(timedelta(seconds=age))
    command = ReceiveWebhook(provider="sandbox", headers=headers, body=webhook.body)
    if refused:
        with pytest.raises(WebhookTimestampInvalid):
            await world.bench.kit.run(world.use_cases.receive_webhook, command)
    else:
        await world.bench.kit.run(world.use_cases.receive_webhook, command)
    assert await world.count("payment_webhooks") == (0 if refused else 1)


async def test_while_secrets_are_exchanged_either_signature_is_enough(world: World) -> None:
    await world.pay(world.an_order())
    [webhook] = world.sent
    both = WebhookSecrets([OLD_SECRET, SECRET])
    headers = both.sign(webhook.event_id, webhook.body, world.bench.clock.now())
    assert headers["webhook-signature"].count("v1,") == 2
    # A sender that still signs with the old one as well is believed by who knows the new one only …
    assert (await world.receive(webhook, both)).pending is not None
    # … and the other way round, but not by somebody who knows neither.
    now = world.bench.clock.now()
    old = WebhookSecrets([OLD_SECRET]).sign(webhook.event_id, webhook.body, now)
    assert both.verify(old, webhook.body, now) == webhook.event_id
    with pytest.raises(WebhookSignatureInvalid):
        WebhookSecrets([b"n" * 32]).verify(headers, webhook.body, now)


async def test_a_signed_body_that_is_nonsense_is_refused_by_name(world: World) -> None:
    for body in (b"", b"{}", b'{"type": 1}', b"\xff\xfe"):
        with pytest.raises(WebhookMalformed):
            await world.receive(Outgoing(id=new_id(), event_id="msg_1", body=body, attempts=0))
    assert await world.count("payment_webhooks") == 0


async def test_a_provider_that_we_do_not_have_is_refused_by_name(world: World) -> None:
    with pytest.raises(ProviderUnknown):
        await world.bench.kit.run(
            world.use_cases.receive_webhook, ReceiveWebhook(provider="gold", headers={}, body=b"")
        )


async def test_an_event_about_something_else_is_kept_and_does_nothing(world: World) -> None:
    payment = await world.pay(world.an_order())
    [webhook] = world.sent
    world.sent[:] = [
        msgspec.structs.replace(webhook, body=webhook.body.replace(b"payment.succeeded", b"dispute.opened"))
    ]
    await world.deliver()
    assert (await world.see(payment)).status is PaymentStatus.PENDING
    [row] = await world.rows(world.tables("payment_webhooks"))
    assert (row.type, row.processed_at is not None) == ("dispute.opened", True)


async def test_a_webhook_about_an_unknown_payment_waits_with_its_error(world: World) -> None:
    payment = await world.pay(world.an_order())
    [webhook] = world.sent
    stray = webhook.body.replace(str(payment.id).encode(), str(new_id()).encode())
    world.sent[:] = [msgspec.structs.replace(webhook, body=stray)]
    await world.deliver()
    [row] = await world.rows(world.tables("payment_webhooks"))
    assert (row.processed_at, row.attempts) == (None, 1)
    assert row.error.startswith("PAYMENT_NOT_FOUND")
    assert row.retry_at > world.bench.clock.now() + timedelta(seconds=10)
    assert await world.event_names() == []


async def test_another_currency_books_nothing_and_staff_sees_why(world: World) -> None:
    payment = await world.pay(world.an_order())
    [webhook] = world.sent
    world.sent[:] = [msgspec.structs.replace(webhook, body=webhook.body.replace(b'"CNY"', b'"JPY"'))]
    await world.deliver()
    assert (await world.see(payment)).status is PaymentStatus.PENDING
    detail = await world.use_cases.queries.detail(actor=a_clerk(), payment_id=payment.id)
    [shown] = detail.webhooks
    assert shown.error is not None
    assert shown.error.startswith("CAPTURED_AMOUNT_MISMATCH")
    assert await world.event_names() == []


async def test_an_authorised_payment_is_captured(world: World) -> None:
    payment = await world.pay(world.an_order(), "sandbox_authorized")
    await world.deliver()
    assert world.provider.calls == ["create_intent", "capture"]
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED
    # The provider's own word for it comes after, and is nothing new.
    assert await world.deliver() == 1
    assert await world.event_names() == ["PaymentSucceeded"]


async def test_a_capture_that_does_not_come_through_is_tried_again(world: World) -> None:
    payment = await world.pay(world.an_order(), "sandbox_authorized")
    [webhook] = world.sent
    received = await world.receive(webhook)
    assert received.pending is not None
    world.provider.before["capture"] = 1
    command = ProcessWebhook(webhook=received.pending)
    with pytest.raises(ProviderUnavailable):
        await world.bench.kit.run(world.use_cases.process_webhook, command)
    assert (await world.see(payment)).status is PaymentStatus.PENDING
    assert await world.bench.kit.run(world.use_cases.process_webhook, command)
    assert (await world.see(payment)).status is PaymentStatus.SUCCEEDED


async def test_who_loses_the_race_to_the_row_finds_what_the_winner_wrote(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes, each of which looked before the other wrote: the unique key decides."""
    await world.pay(world.an_order())
    [webhook] = world.sent
    await world.receive(webhook)
    real, looks = SqlWebhooks.knows, 0

    async def too_early(self: SqlWebhooks, provider: str, event_id: str) -> bool:
        nonlocal looks
        looks += 1
        return await real(self, provider, event_id) if looks > 1 else False

    monkeypatch.setattr(SqlWebhooks, "knows", too_early)
    assert (await world.receive(webhook)).pending is None
    assert looks == 2
    assert await world.count("payment_webhooks") == 1
