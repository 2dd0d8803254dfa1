"""Dead letters from the command line: seen with their secrets masked, replayed once."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from caddy_shopping.contexts.notifications.infrastructure.tables import emails
from caddy_shopping.contracts.users import PasswordResetRequested
from caddy_shopping.kernel.errors import NotFound
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.main import letters
from caddy_shopping.main.build import build
from caddy_shopping.main.process import Process
from caddy_shopping.platform.events.dead_letters import DeadLetterNotFound
from caddy_shopping.platform.events.envelope import Envelope
from caddy_shopping.platform.settings import Settings, load
from tests.support.engine import ENGINE

EVENT = PasswordResetRequested(
    user_id=new_id(), email="li.lei@shop.example", name="Li Lei", language="en", token="very-secret-token"
)


@pytest.fixture
async def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    monkeypatch.setenv("SHOP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SHOP_DATABASE_URL", ENGINE.url_of(tmp_path))
    built = build(load(Settings))
    await built.migrate()
    yield built
    await built.stop()


async def bury(process: Process) -> tuple[str, Envelope]:
    """One mail that was never written: its consumer's name, and the event."""
    (consumer,) = [each for each in process.modules["notifications"].consumers if each.event is PasswordResetRequested]
    payload = msgspec.json.encode(EVENT)
    now = process.modules["notifications"].use_cases.notify.clock.now()
    envelope = Envelope(0, new_id(), "users", "PasswordResetRequested", 1, EVENT.key, payload, now)
    await process.dead_letters["notifications"].add(consumer.name, envelope, RuntimeError("no such template"), 4)
    return consumer.name, envelope


async def mails(process: Process) -> int:
    async with process.databases.of("notifications").read() as connection:
        return int((await connection.execute(select(func.count()).select_from(emails))).scalar_one())


async def test_they_are_listed_and_shown_without_their_secrets(process: Process) -> None:
    consumer, envelope = await bury(process)
    assert [(letter.consumer, letter.attempts) for letter in await letters.list_all()] == [(consumer, 4)]
    shown = await letters.describe(consumer, envelope.event_id)
    assert "no such template" in shown
    assert "li.lei@shop.example" in shown
    assert "very-secret-token" not in shown


async def test_one_is_replayed_once(process: Process) -> None:
    consumer, envelope = await bury(process)
    assert await letters.replay(consumer, envelope.event_id) is True
    assert await mails(process) == 1
    assert await letters.list_all() == []
    with pytest.raises(DeadLetterNotFound):
        await letters.replay(consumer, envelope.event_id)
    # Buried once more, it is known by the inbox: forgotten without a second mail.
    await process.dead_letters["notifications"].add(consumer, envelope, RuntimeError(), 1)
    assert await letters.replay(consumer, envelope.event_id) is False
    assert await mails(process) == 1


async def test_an_unknown_consumer_is_named(process: Process) -> None:
    with pytest.raises(NotFound, match=r"nobody\.here"):
        await letters.describe("nobody.here", new_id())
