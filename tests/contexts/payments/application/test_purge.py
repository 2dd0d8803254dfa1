"""What is done with is forgotten after a while; nothing else is."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from caddy_shopping.contexts.payments.application import purge_webhooks
from caddy_shopping.contexts.payments.application.purge_webhooks import PurgeWebhooks
from caddy_shopping.contexts.payments.infrastructure.sandbox import mailbox
from caddy_shopping.contexts.payments.infrastructure.sandbox.mailbox import Mailbox
from caddy_shopping.contexts.payments.module import build
from tests.contexts.payments.world import SECRET, World

MONTH = timedelta(days=30)
Batch = Callable[[], None]


async def purge(world: World) -> int:
    forgotten: int = await world.bench.kit.run(world.use_cases.purge_webhooks, PurgeWebhooks())
    return forgotten


async def test_processed_webhooks_go_after_a_month_and_what_waits_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_webhooks, "BATCH", 2)
    for _ in range(3):
        await world.paid()
    await world.pay(world.an_order())
    await world.receive(world.sent.pop())
    world.bench.clock.advance(MONTH)
    assert await purge(world) == 0
    world.bench.clock.advance(timedelta(seconds=1))
    await world.paid()
    assert await purge(world) == 3
    left = await world.rows(world.tables("payment_webhooks"))
    assert sorted(row.processed_at is None for row in left) == [False, True]
    assert await world.count("payments") == 5


async def test_delivered_messages_of_the_sandbox_go_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "BATCH", 2)
    for _ in range(5):
        await world.pay(world.an_order())
    sent, box = [webhook.id for webhook in world.sent], Mailbox(world.bench.kit.database)
    await box.delivered(sent[:3], world.bench.clock.now())
    world.bench.clock.advance(MONTH)
    await box.delivered(sent[3:4], world.bench.clock.now())
    module = build(world.bench.kit, world.settings, world.orders, lambda: "http://127.0.0.1:1", SECRET)
    job = {job.name: job for job in module.jobs}["payments-sandbox-purge"]
    await job.run()
    assert await world.count("sandbox_webhooks") == 5
    world.bench.clock.advance(timedelta(seconds=1))
    await job.run()
    left = {row.id: row.delivered_at for row in await world.rows(world.tables("sandbox_webhooks"))}
    assert set(left) == set(sent[3:])
    assert left[sent[4]] is None


async def test_the_job_forgets(world: World) -> None:
    await world.paid()
    world.bench.clock.advance(MONTH + timedelta(seconds=1))
    module = build(world.bench.kit, world.settings, world.orders, lambda: "http://127.0.0.1:1", SECRET)
    await {job.name: job for job in module.jobs}["payments-purge"].run()
    assert await world.count("payment_webhooks") == 0
