"""What went out and what was read is forgotten after a while; nothing else is."""

from datetime import timedelta

import pytest

from caddy_shopping.contexts.notifications.application import purge
from caddy_shopping.contexts.notifications.application.mark_read import MarkAllRead
from caddy_shopping.contexts.notifications.application.purge import PurgeOld
from caddy_shopping.contexts.notifications.application.send_emails import ClaimEmails, SettleEmails
from caddy_shopping.contexts.notifications.domain.email import EmailStatus, Outcome
from caddy_shopping.kernel.ids import new_id
from tests.contexts.notifications.support import Office, customer, paid

SEASON = timedelta(days=90)


async def swept(office: Office) -> int:
    forgotten: int = await office.bench.kit.run(office.use_cases.purge_old, PurgeOld())
    return forgotten


async def send(office: Office, count: int) -> None:
    for _ in range(count):
        await office.hear(paid(user_id=new_id()))
    await office.mailer.send_all_due()


async def test_mails_that_went_out_go_after_a_season(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    run = office.bench.kit.run
    await send(office, 3)
    await office.hear(paid())
    batch = await run(office.use_cases.claim_emails, ClaimEmails(limit=1))
    given_up = [Outcome(batch.emails[0], "no such box", permanent=True)]
    await run(office.use_cases.settle_emails, SettleEmails(batch_id=batch.id, outcomes=given_up))
    await office.hear(paid())
    office.clock.advance(SEASON)
    assert await swept(office) == 0
    office.clock.advance(timedelta(seconds=1))
    assert await swept(office) == 3
    statuses = [row.status for row in await office.rows("emails")]
    assert statuses == [EmailStatus.FAILED, EmailStatus.QUEUED]
    await send(office, 1)
    assert await swept(office) == 0
    assert len(await office.rows("notifications")) == 6, "nobody has read them"


async def test_news_that_was_read_goes_after_a_season(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    reader, late, never = new_id(), new_id(), new_id()
    for user_id in (reader, reader, reader, late, never):
        await office.hear(paid(user_id=user_id))
    run = office.bench.kit.run
    await run(office.use_cases.mark_all_read, MarkAllRead(actor=customer(reader)))
    office.clock.advance(timedelta(seconds=1))
    await run(office.use_cases.mark_all_read, MarkAllRead(actor=customer(late)))
    office.clock.advance(SEASON - timedelta(seconds=1))
    assert await swept(office) == 0
    office.clock.advance(timedelta(seconds=1))
    job = {job.name: job for job in office.module.jobs}["notifications-purge"]
    await job.run()
    assert {row.user_id for row in await office.rows("notifications")} == {late, never}
    office.clock.advance(10 * SEASON)
    await job.run()
    assert [row.user_id for row in await office.rows("notifications")] == [never]
    assert len(await office.rows("emails")) == 5, "none went out"
