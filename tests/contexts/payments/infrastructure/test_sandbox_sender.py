import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from caddy_shopping.contexts.payments.infrastructure.sandbox.ledger import Ledger
from caddy_shopping.contexts.payments.infrastructure.sandbox.mailbox import Mailbox
from caddy_shopping.contexts.payments.infrastructure.sandbox.sender import Sender
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.security.signatures import WebhookSecrets
from tests.contexts.payments.receiver import Receiver, listening, until
from tests.contexts.payments.world import OLD_SECRET, SECRET, World

TOTAL = Money(9999, "CNY")


class Sandbox:
    """The sandbox's sending half, which can be stopped and started again."""

    def __init__(self, world: World, receiver: Receiver, **settings: float) -> None:
        kit = world.bench.kit
        self.world, self.receiver = world, receiver
        self.secrets = WebhookSecrets([SECRET, OLD_SECRET])
        mailbox = Mailbox(kit.database)
        self.sender = Sender(mailbox, self.secrets, lambda: receiver.url, kit.clock, **{"poll": 0.01, **settings})
        self.ledger = Ledger(kit.database, kit.clock, mailbox, self.sender.push, timedelta(seconds=5))

    async def undelivered(self) -> int:
        rows = await self.world.rows(self.world.tables("sandbox_webhooks"))
        return sum(row.delivered_at is None for row in rows)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening(Receiver()) as receiver:
        yield receiver


@pytest.fixture
async def sandbox(world: World, receiver: Receiver) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(world, receiver)
    await sandbox.sender.start()
    yield sandbox
    await sandbox.sender.stop()


async def test_a_webhook_goes_out_at_once_signed_with_every_secret(sandbox: Sandbox) -> None:
    started = time.monotonic()
    await sandbox.ledger.create(new_id(), TOTAL, "sandbox_ok")
    await until(lambda: bool(sandbox.receiver.got))
    assert time.monotonic() - started < 0.5
    [(headers, body)] = sandbox.receiver.got
    now = sandbox.world.bench.clock.now()
    for one in (SECRET, OLD_SECRET):
        assert WebhookSecrets([one]).verify(headers, body, now) == headers["webhook-id"]
    assert headers["content-type"] == "application/json"
    await sandbox.sender.stop()
    assert await sandbox.undelivered() == 0


async def test_what_was_delivered_is_not_sent_again(sandbox: Sandbox) -> None:
    for _ in range(5):
        await sandbox.ledger.create(new_id(), TOTAL, "sandbox_ok")
    await until(lambda: len(sandbox.receiver.got) == 5)
    await sandbox.sender.stop()
    sandbox.world.bench.clock.advance(timedelta(days=1))
    again = Sandbox(sandbox.world, sandbox.receiver)
    await again.sender.start()
    await again.ledger.create(new_id(), TOTAL, "sandbox_ok")
    await until(lambda: len(sandbox.receiver.got) == 6)
    await again.sender.stop()
    assert len(set(sandbox.receiver.ids())) == 6


async def test_it_is_tried_again_until_it_is_taken(sandbox: Sandbox) -> None:
    sandbox.receiver.moods[:] = [500, 503, 404, 302]
    await sandbox.ledger.create(new_id(), TOTAL, "sandbox_ok")

    def tried(times: int) -> Callable[[], bool]:
        return lambda: len(sandbox.receiver.got) == times and (times == 5 or not sandbox.sender._busy)

    for times in (1, 2, 3, 4, 5):
        await until(tried(times))
        sandbox.world.bench.clock.advance(timedelta(seconds=10))
    await sandbox.sender.stop()
    assert len(set(sandbox.receiver.ids())) == 1
    assert await sandbox.undelivered() == 0
    [row] = await sandbox.world.rows(sandbox.world.tables("sandbox_webhooks"))
    assert row.attempts == 4


async def test_the_pauses_grow_up_to_a_limit(sandbox: Sandbox) -> None:
    pauses = [sandbox.sender._pause(attempts) for attempts in (0, 3, 50)]
    assert timedelta(seconds=0.5) <= pauses[0] <= timedelta(seconds=1)
    assert timedelta(seconds=4) <= pauses[1] <= timedelta(seconds=8)
    assert timedelta(minutes=30) <= pauses[2] <= timedelta(hours=1)


async def test_nobody_listening_is_no_disaster(world: World) -> None:
    receiver = Receiver()
    async with listening(receiver):
        pass
    sandbox = Sandbox(world, receiver)
    await sandbox.sender.start()
    await sandbox.ledger.create(new_id(), TOTAL, "sandbox_ok")
    await until(lambda: not sandbox.sender._busy)
    port = int(receiver.url.split(":")[2].split("/")[0])
    async with listening(receiver, port):
        world.bench.clock.advance(timedelta(seconds=5))
        await until(lambda: bool(receiver.got))
        await sandbox.sender.stop()
    assert await sandbox.undelivered() == 0


async def test_what_a_killed_process_left_behind_is_sent_by_the_next(world: World, receiver: Receiver) -> None:
    killed = Sandbox(world, receiver)
    await killed.ledger.create(new_id(), TOTAL, "sandbox_duplicate")
    assert await killed.undelivered() == 4
    restarted = Sandbox(world, receiver)
    await restarted.sender.start()
    world.bench.clock.advance(timedelta(seconds=3))
    await until(lambda: len(receiver.got) >= 4)
    await restarted.sender.stop()
    assert len(receiver.got) == 4
    assert len(set(receiver.ids())) == 2
    assert await restarted.undelivered() == 0


async def test_a_slow_payment_is_told_when_it_settles_and_not_before(sandbox: Sandbox) -> None:
    await sandbox.ledger.create(new_id(), TOTAL, "sandbox_slow")
    await until(lambda: len(sandbox.receiver.got) == 1)
    assert b"payment.processing" in sandbox.receiver.got[0][1]
    sandbox.world.bench.clock.advance(timedelta(seconds=5))
    await until(lambda: len(sandbox.receiver.got) == 2)
    assert b"payment.succeeded" in sandbox.receiver.got[1][1]


async def test_out_of_order_means_the_success_comes_first(sandbox: Sandbox) -> None:
    await sandbox.ledger.create(new_id(), TOTAL, "sandbox_out_of_order")
    await until(lambda: len(sandbox.receiver.got) == 2)
    assert [b"payment.succeeded" in body for _, body in sandbox.receiver.got] == [True, False]


async def test_a_database_that_is_away_is_asked_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = sandbox.sender._mailbox
    failing = 3

    async def broken(*_given: object) -> None:
        nonlocal failing
        failing -= 1
        if failing == 0:
            monkeypatch.undo()
        raise OSError("the database is away")

    for name in ("due", "delivered", "refused"):
        monkeypatch.setattr(mailbox, name, broken)
    sandbox.receiver.moods[:] = [500]
    await sandbox.ledger.create(new_id(), TOTAL, "sandbox_ok")
    await until(lambda: failing == 0 and not sandbox.sender._busy)
    sandbox.world.bench.clock.advance(timedelta(seconds=10))
    await until(lambda: len(sandbox.receiver.got) >= 2)


async def test_starting_and_stopping_twice_does_no_harm(world: World, receiver: Receiver) -> None:
    sandbox = Sandbox(world, receiver)
    await sandbox.sender.stop()
    await sandbox.sender.start()
    await sandbox.sender.stop()
    await sandbox.sender.stop()
