import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import structlog

from caddy_shopping.contexts.notifications.application.send_emails import (
    ClaimEmails,
    DeliverEmails,
    DeliverEmailsHandler,
    SettleEmails,
)
from caddy_shopping.contexts.notifications.domain.email import LEASE, MAX_ATTEMPTS, EmailStatus, Outcome
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.contracts.notifications import EmailSent
from caddy_shopping.kernel.ids import new_id
from tests.contexts.notifications.support import Office, OpenOffice, a_mail, paid, parsed
from tests.support.smtp import MailServer, mail_server


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


@pytest.fixture
def smtp_office(open_office: OpenOffice, server: MailServer) -> Office:
    return open_office(smtp_host="127.0.0.1", smtp_port=server.port, smtp_security="none", smtp_timeout_seconds=2)


async def eventually_sent(office: Office, count: int) -> None:
    async with asyncio.timeout(5):
        while [row.status for row in await office.rows("emails")] != [EmailStatus.SENT] * count:
            await asyncio.sleep(0.01)


async def test_the_loop_sends_what_was_left_and_what_comes(office: Office) -> None:
    await office.hear(paid())
    for start in office.module.start:
        await start()
    await eventually_sent(office, 1)
    await office.hear(paid())
    await eventually_sent(office, 2)
    for stop in office.module.stop:
        await stop()
    await office.hear(paid())
    await asyncio.sleep(0.05)
    assert len(office.files()) == 2
    # The job finds what no loop was there for.
    job = office.module.jobs[0]
    await job.run()
    assert len(office.files()) == 3


async def test_sent_mails_are_told_in_the_same_transaction(office: Office) -> None:
    for _ in range(2):
        await office.hear(paid())
    await office.mailer.send_all_due()
    told = await office.bench.outbox()
    assert [kind for kind, _ in told] == [EmailSent.__name__] * 2
    assert MailKind.ORDER_PAID.encode() in told[0][1]


async def test_a_full_batch_is_followed_by_the_next(open_office: OpenOffice) -> None:
    office = open_office(batch_size=2)
    for _ in range(5):
        await office.hear(paid())
    assert await office.mailer.send_due() == 2
    await office.mailer.send_all_due()
    assert len(office.files()) == 5
    assert await office.mailer.send_due() == 0


async def test_two_mailers_at_once_send_each_mail_once(open_office: OpenOffice, server: MailServer) -> None:
    settings = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", "batch_size": 3}
    offices = [open_office(**settings) for _ in range(4)]
    for _ in range(20):
        await offices[0].hear(paid())
    for _ in range(3):
        await asyncio.gather(*(each.mailer.send_all_due() for each in offices))
    ids = [parsed(text)["Message-ID"] for _, text in server.mails]
    assert sorted(ids) == sorted(row.message_id for row in await offices[0].rows("emails"))
    assert len(ids) == 20


async def test_a_mail_is_in_one_batch_until_its_lease_runs_out(office: Office) -> None:
    await office.hear(paid())
    run, use_cases = office.bench.kit.run, office.use_cases
    first = await run(use_cases.claim_emails, ClaimEmails(limit=5))
    second = await run(use_cases.claim_emails, ClaimEmails(limit=5))
    assert (len(first.emails), len(second.emails)) == (1, 0)
    # Negative control: it is the lease that kept the second away.
    office.clock.advance(LEASE)
    third = await run(use_cases.claim_emails, ClaimEmails(limit=5))
    assert [email.attempts for email in third.emails] == [2]
    # Whoever wakes up late settles nothing that is another batch's by now.
    claimed = await office.rows("emails")
    late = await run(use_cases.deliver_emails, DeliverEmails(batch=first))
    for outcomes in (late, [Outcome(first.emails[0], "550 no such user", permanent=True)]):
        await run(use_cases.settle_emails, SettleEmails(batch_id=first.id, outcomes=outcomes))
        assert await office.rows("emails") == claimed


async def test_of_two_that_saw_the_same_mail_one_gets_it(office: Office) -> None:
    """Elsewhere than on SQLite both may look before either writes: the UPDATE must name what was seen."""
    await office.hear(paid())
    now = office.clock.now()
    async with office.use_cases.claim_emails.uow() as tx:
        queue: Any = tx.emails
        seen = await queue._see(now, 5)
        assert [email.id for email in await queue._take(seen, new_id(), now)] == list(seen)
        assert await queue._take(seen, new_id(), now) == []
        # Negative control: a mail that is still due is taken.
        later = now + LEASE
        assert len(await queue._take(seen, new_id(), later)) == 1


async def test_after_a_crash_between_sending_and_settling_the_same_file_is_there_once(
    office: Office, open_office: OpenOffice
) -> None:
    await office.hear(paid())
    run, use_cases = office.bench.kit.run, office.use_cases
    batch = await run(use_cases.claim_emails, ClaimEmails(limit=5))
    await run(use_cases.deliver_emails, DeliverEmails(batch=batch))
    (path,) = office.files()
    before = path.read_bytes()
    # Killed here. The next process finds the mail when the lease has run out.
    successor = open_office()
    await successor.mailer.send_all_due()
    assert [row.status for row in await office.rows("emails")] == [EmailStatus.QUEUED]
    office.clock.advance(LEASE)
    await successor.mailer.send_all_due()
    assert office.files() == [path]
    assert path.read_bytes() == before
    assert [row.status for row in await office.rows("emails")] == [EmailStatus.SENT]


async def test_refused_for_now_then_taken(smtp_office: Office, server: MailServer) -> None:
    await smtp_office.hear(paid())
    server.next_time("RCPT", "450 mailbox busy")
    await smtp_office.mailer.send_all_due()
    (row,) = await smtp_office.rows("emails")
    assert (row.status, row.attempts, row.last_error) == (EmailStatus.QUEUED, 1, "450 mailbox busy")
    assert timedelta(seconds=15) <= row.next_attempt_at - smtp_office.clock.now() <= timedelta(seconds=30)
    await smtp_office.mailer.send_all_due()
    assert server.mails == []
    smtp_office.clock.advance(timedelta(seconds=30))
    await smtp_office.mailer.send_all_due()
    (row,) = await smtp_office.rows("emails")
    assert (row.status, row.attempts, row.last_error) == (EmailStatus.SENT, 2, None)
    assert len(server.mails) == 1


async def test_refused_for_good_is_failed_at_once(smtp_office: Office, server: MailServer) -> None:
    await smtp_office.hear(paid())
    server.next_time("RCPT", "550 no such user")
    await smtp_office.mailer.send_all_due()
    (row,) = await smtp_office.rows("emails")
    assert (row.status, row.attempts, row.last_error) == (EmailStatus.FAILED, 1, "550 no such user")
    smtp_office.clock.advance(timedelta(days=1))
    await smtp_office.mailer.send_all_due()
    assert server.mails == []
    assert await smtp_office.bench.outbox() == []


async def test_given_up_after_eight_attempts_with_the_error_kept(smtp_office: Office, server: MailServer) -> None:
    await smtp_office.hear(paid())
    server.next_time("RCPT", *["450 mailbox busy"] * 20)
    for attempt in range(1, MAX_ATTEMPTS + 3):
        (row,) = await smtp_office.rows("emails")
        assert row.status is (EmailStatus.QUEUED if attempt <= MAX_ATTEMPTS else EmailStatus.FAILED)
        await smtp_office.mailer.send_all_due()
        smtp_office.clock.advance(timedelta(hours=6))
    (row,) = await smtp_office.rows("emails")
    assert (row.attempts, row.last_error) == (MAX_ATTEMPTS, "450 mailbox busy")


async def test_a_letter_that_cannot_be_written_fails_alone(office: Office) -> None:
    async with office.use_cases.notify.uow() as tx:
        broken = a_mail(office.clock, MailKind.ORDER_PAID)
        broken.data.pop("total")
        await tx.emails.add(broken)
    await office.hear(paid())
    await office.mailer.send_all_due()
    rows = {row.id: row for row in await office.rows("emails")}
    assert rows.pop(broken.id).status is EmailStatus.FAILED
    assert [row.status for row in rows.values()] == [EmailStatus.SENT]


async def test_the_loop_outlives_a_failure(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: DeliverEmailsHandler, command: DeliverEmails) -> None:
        raise RuntimeError("out of ink")

    await office.hear(paid())
    with monkeypatch.context() as patch, structlog.testing.capture_logs() as logs:
        patch.setattr(DeliverEmailsHandler, "__call__", fail)
        await office.mailer.start()
        while not logs:
            await asyncio.sleep(0.01)
    assert logs[0]["event"] == "mailer.failed"
    office.clock.advance(LEASE)
    office.mailer.wake()
    await eventually_sent(office, 1)
    await office.mailer.stop()


async def test_stopping_waits_for_the_batch_but_not_for_ever(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()
    deliver = DeliverEmailsHandler.__call__

    async def slowly(self: DeliverEmailsHandler, command: DeliverEmails) -> object:
        began.set()
        await may_end.wait()
        return await deliver(self, command)

    monkeypatch.setattr(DeliverEmailsHandler, "__call__", slowly)
    await office.hear(paid())
    await office.mailer.start()
    await began.wait()
    stopping = asyncio.create_task(office.mailer.stop())
    await asyncio.sleep(0.02)
    assert not stopping.done()
    may_end.set()
    await stopping
    await eventually_sent(office, 1)

    began.clear()
    may_end.clear()
    await office.hear(paid())
    office.mailer._patience = 0.01
    await office.mailer.start()
    await began.wait()
    await office.mailer.stop()
    statuses = [row.status for row in await office.rows("emails")]
    assert statuses == [EmailStatus.SENT, EmailStatus.QUEUED]


async def test_a_mailer_that_never_started_can_be_stopped(office: Office) -> None:
    await office.mailer.stop()


async def test_mails_gather_for_a_moment_and_stopping_does_not_wait_for_it(open_office: OpenOffice) -> None:
    office = open_office(gather_seconds=30)
    await office.mailer.start()
    await office.hear(paid())
    await asyncio.sleep(0.02)
    assert office.files() == []
    async with asyncio.timeout(1):
        await office.mailer.stop()
    assert office.files() == []
