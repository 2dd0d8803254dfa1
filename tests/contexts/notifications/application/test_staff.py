from datetime import timedelta
from uuid import UUID

import pytest

from caddy_shopping.contexts.notifications.application.retry_email import RetryEmail
from caddy_shopping.contexts.notifications.domain.email import LEASE, EmailStatus
from caddy_shopping.contexts.notifications.domain.errors import EmailNotFound, EmailNotRetryable
from caddy_shopping.kernel.actor import ANONYMOUS, Actor, PermissionMissing
from caddy_shopping.kernel.errors import Unauthenticated
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import PageRequest
from tests.contexts.notifications.support import Office, customer, paid, staff


async def retry(office: Office, actor: Actor, email_id: UUID) -> None:
    await office.bench.kit.run(office.use_cases.retry_email, RetryEmail(actor=actor, email_id=email_id))


async def test_staff_see_mails_by_state_and_address_in_pages(office: Office) -> None:
    for address in ("ada@example.com", "bob@example.com", "nobody"):
        await office.hear(paid(email=address))
    await office.mailer.send_all_due()
    queries, page = office.use_cases.queries, PageRequest(total=True)
    failed = await queries.emails(staff(), page, status=EmailStatus.FAILED, address=None)
    assert [view.address for view in failed.items] == ["nobody"]
    assert (failed.total, failed.items[0].last_error) == (1, "not an e-mail address")
    bobs = await queries.emails(staff(), page, status=None, address="bob@example.com")
    assert [(view.status, view.sent_at) for view in bobs.items] == [(EmailStatus.SENT, office.clock.now())]
    first = await queries.emails(staff(), PageRequest(limit=2), status=None, address=None)
    rest = await queries.emails(staff(), PageRequest(limit=2, cursor=first.next_cursor), status=None, address=None)
    assert [view.address for view in first.items + rest.items] == ["nobody", "bob@example.com", "ada@example.com"]
    assert await queries.email(staff(), bobs.items[0].id) == bobs.items[0]
    with pytest.raises(EmailNotFound):
        await queries.email(staff(), new_id())


async def test_mails_are_for_staff_alone(office: Office) -> None:
    await office.hear(paid(email="nobody"))
    await office.mailer.send_all_due()
    (row,) = await office.rows("emails")
    queries = office.use_cases.queries
    for actor, error in ((customer(), PermissionMissing), (ANONYMOUS, Unauthenticated)):
        with pytest.raises(error):
            await queries.emails(actor, PageRequest(), status=None, address=None)
        with pytest.raises(error):
            await queries.email(actor, row.id)
        with pytest.raises(error):
            await retry(office, actor, row.id)
    assert await office.rows("emails") == [row]


async def test_a_failed_mail_starts_over(office: Office) -> None:
    await office.hear(paid(email="nobody"))
    await office.mailer.send_all_due()
    office.mailer._awake.clear()
    (row,) = await office.rows("emails")
    assert (row.status, row.attempts) == (EmailStatus.FAILED, 1)
    await retry(office, staff(), row.id)
    (row,) = await office.rows("emails")
    assert (row.status, row.attempts, row.next_attempt_at) == (EmailStatus.QUEUED, 0, office.clock.now())
    assert office.mailer._awake.is_set()


async def test_a_mail_that_was_sent_or_is_being_sent_is_not_sent_again(office: Office) -> None:
    with pytest.raises(EmailNotFound):
        await retry(office, staff(), new_id())
    await office.hear(paid())
    (row,) = await office.rows("emails")
    async with office.use_cases.claim_emails.uow() as tx:
        assert len(await tx.emails.claim(new_id(), office.clock.now(), 5)) == 1
    with pytest.raises(EmailNotRetryable):
        await retry(office, staff(), row.id)
    # A lease that has run out holds nobody up.
    office.clock.advance(LEASE)
    await retry(office, staff(), row.id)
    office.clock.advance(timedelta(seconds=1))
    await office.mailer.send_all_due()
    with pytest.raises(EmailNotRetryable):
        await retry(office, staff(), row.id)
    assert len(office.files()) == 1
