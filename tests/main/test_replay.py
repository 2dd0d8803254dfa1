"""Whole topics shown again: what consumers have had changes nothing, what they missed is made up."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import delete, func, insert, select

from caddy_shopping.contexts.notifications.infrastructure.tables import emails
from caddy_shopping.contracts.users import PasswordResetRequested
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.main.build import build
from caddy_shopping.main.operations import _moment
from caddy_shopping.main.process import Process
from caddy_shopping.main.replay import Replayed, TopicUnknown, show_again
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.jobs.retention import INBOX
from caddy_shopping.platform.settings import Settings, load
from tests.support.engine import ENGINE
from tests.support.kafka_of_this_run import BROKERS_OF_THIS_RUN, environment

NOW = datetime.now(UTC)


@pytest.fixture(params=["in process", "Kafka"])
async def process(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Process]:
    monkeypatch.setenv("SHOP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SHOP_DATABASE_URL", ENGINE.url_of(tmp_path))
    if request.param == "Kafka":
        for name, value in environment(BROKERS_OF_THIS_RUN.get("Kafka"), tmp_path).items():
            monkeypatch.setenv(name, value)
    built = build(load(Settings))
    await built.migrate()
    await built.bus.start(consume=False)
    yield built
    await built.stop()


def tables(process: Process, context: str) -> PlatformTables:
    (schema,) = [each for each in process.schemas if each.context == context]
    return PlatformTables.found(schema.metadata, context)


async def publish(process: Process, happened: datetime) -> None:
    """One event of users, brought as far as the bus brings it."""
    event = PasswordResetRequested(
        user_id=new_id(), email="li.lei@shop.example", name="Li Lei", language="en", token="secret"
    )
    row = {
        "event_id": new_id(),
        "type": "PasswordResetRequested",
        "schema_version": 1,
        "event_key": event.key,
        "payload": msgspec.json.encode(event),
        "occurred_at": happened,
    }
    async with process.databases.of("users").writer.begin() as connection:
        await connection.execute(insert(tables(process, "users").outbox), row)
    await process.drained()


async def mails(process: Process) -> int:
    async with process.databases.of("notifications").read() as connection:
        return int((await connection.execute(select(func.count()).select_from(emails))).scalar_one())


async def test_what_was_missed_is_made_up_and_what_was_had_changes_nothing(process: Process) -> None:
    await publish(process, NOW - timedelta(hours=1))
    await show_again(process, ["users"], None)
    assert await mails(process) == 1
    again = await show_again(process, [], None)
    assert (again.events, again.dead) == (1, 0)
    assert await mails(process) == 1
    # Negative control: the inbox is what makes it harmless.
    async with process.databases.of("notifications").writer.begin() as connection:
        await connection.execute(delete(tables(process, "notifications").inbox))
    await show_again(process, ["users"], None)
    assert await mails(process) == 2


async def test_what_inboxes_do_not_remember_is_left_out(process: Process) -> None:
    await publish(process, NOW - INBOX - timedelta(minutes=1))
    async with process.databases.of("notifications").writer.begin() as connection:
        await connection.execute(delete(tables(process, "notifications").inbox))
    before = await mails(process)
    found = await show_again(process, ["users"], None)
    assert (found.events, found.old) == (0, 1)
    assert await mails(process) == before


async def test_only_what_is_asked_for(process: Process) -> None:
    await publish(process, NOW - timedelta(hours=1))
    assert (await show_again(process, ["orders"], None)).events == 0
    # On Kafka an event is as old as its record.
    assert (await show_again(process, ["users"], datetime.now(UTC) + timedelta(hours=1))) == Replayed()
    with pytest.raises(TopicUnknown, match="payments"):
        await show_again(process, ["sales"], None)


def test_a_moment_is_utc_unless_it_says_otherwise() -> None:
    assert _moment("2026-03-14T09:00") == datetime(2026, 3, 14, 9, tzinfo=UTC)
    assert _moment("2026-03-14T09:00+08:00") == datetime(2026, 3, 14, 1, tzinfo=UTC)
    assert _moment("beginning") is None
