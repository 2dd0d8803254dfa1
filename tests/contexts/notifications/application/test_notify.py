from typing import Any

import pytest

from caddy_shopping.contexts.notifications.domain.email import EmailStatus
from caddy_shopping.contexts.notifications.domain.kinds import MailKind, NoticeKind
from caddy_shopping.contracts.orders import (
    OrderCancelled,
    OrderCompleted,
    OrderRefunded,
    OrderRefundRequested,
    OrderReturned,
    OrderShipped,
)
from caddy_shopping.contracts.users import (
    EmailConfirmationRequested,
    GuestSignedIn,
    PasswordResetRequested,
    UserRegistered,
)
from caddy_shopping.kernel.events import Event
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.paging import PageRequest
from tests.contexts.notifications.support import Office, customer, head, paid, placed, some_lines
from tests.support.clock import FakeClock

CNY = Money(9999, "CNY")


def _user() -> dict[str, Any]:
    return {"user_id": new_id(), "email": "ada@example.com", "name": "Ada", "language": "en"}


EVENTS: list[tuple[Event, NoticeKind | None, MailKind | None]] = [
    (UserRegistered(**_user()), NoticeKind.WELCOME, MailKind.WELCOME),
    (EmailConfirmationRequested(**_user(), token="tok"), None, MailKind.CONFIRM),
    (PasswordResetRequested(**_user(), token="tok"), None, MailKind.RESET),
    (placed(FakeClock()), NoticeKind.ORDER_PLACED, MailKind.ORDER_PLACED),
    (paid(), NoticeKind.ORDER_PAID, MailKind.ORDER_PAID),
    (OrderShipped(**head(), carrier="SF", tracking_number="1"), NoticeKind.ORDER_SHIPPED, MailKind.ORDER_SHIPPED),
    (OrderCompleted(**head()), NoticeKind.ORDER_COMPLETED, None),
    (
        OrderCancelled(**head(), reason="", was_paid=False, lines=some_lines()),
        NoticeKind.ORDER_CANCELLED,
        MailKind.ORDER_CANCELLED,
    ),
    (OrderReturned(**head(), return_id=new_id(), lines=[]), NoticeKind.ORDER_RETURNED, None),
    (
        OrderRefundRequested(**head(), refund_id=new_id(), amount=CNY, reason="x"),
        NoticeKind.ORDER_REFUND_REQUESTED,
        None,
    ),
    (
        OrderRefunded(**head(), refund_id=new_id(), amount=CNY, refunded=CNY, total=CNY),
        NoticeKind.ORDER_REFUNDED,
        MailKind.ORDER_REFUNDED,
    ),
]


@pytest.mark.parametrize(("event", "notice", "mail"), EVENTS, ids=lambda value: type(value).__name__)
async def test_every_event_reaches_the_list_and_the_mailbox(
    office: Office, event: Any, notice: NoticeKind | None, mail: MailKind | None
) -> None:
    assert await office.hear(event)
    assert [row.kind for row in await office.rows("notifications")] == ([notice] if notice else [])
    queued = await office.rows("emails")
    assert [row.template for row in queued] == ([mail] if mail else [])
    for row in queued:
        assert (row.user_id, row.address, row.status) == (event.user_id, "ada@example.com", EmailStatus.QUEUED)
    # What was queued can be written and sent, and what is in the list can be read.
    await office.mailer.send_all_due()
    assert len(office.mails()) == len(queued)
    page = await office.use_cases.queries.notifications(customer(event.user_id), PageRequest(), unread=False)
    assert len(page.items) == (notice is not None)


async def test_an_event_that_comes_twice_is_told_once(office: Office) -> None:
    event, event_id = paid(), new_id()
    assert await office.hear(event, event_id)
    assert not await office.hear(event, event_id)
    assert len(await office.rows("notifications")) == len(await office.rows("emails")) == 1
    # Negative control: it is the event's id in the inbox that keeps it from being told again.
    assert await office.hear(event, new_id())
    assert len(await office.rows("notifications")) == len(await office.rows("emails")) == 2


async def test_the_mailer_is_woken_only_where_a_mail_was_queued(office: Office) -> None:
    event, event_id = paid(), new_id()
    await office.hear(OrderCompleted(**head()))
    assert not office.mailer._awake.is_set()
    await office.hear(event, event_id)
    assert office.mailer._awake.is_set()
    office.mailer._awake.clear()
    await office.hear(event, event_id)
    assert not office.mailer._awake.is_set()


async def test_no_address_no_mail(office: Office) -> None:
    await office.hear(paid(email=""))
    assert len(await office.rows("notifications")) == 1
    assert await office.rows("emails") == []


async def test_a_language_that_the_shop_does_not_speak_reads_english(office: Office) -> None:
    await office.hear(paid(language="fr"))
    await office.hear(paid(language="zh"))
    assert [row.language for row in await office.rows("emails")] == ["en", "zh"]


async def test_tokens_stay_out_of_the_list_and_go_when_the_mail_has_gone(office: Office) -> None:
    await office.hear(PasswordResetRequested(**_user(), token="tok-123"))
    (queued,) = await office.rows("emails")
    assert queued.data["token"] == "tok-123"
    await office.mailer.send_all_due()
    (sent,) = await office.rows("emails")
    assert (sent.status, sent.data) == (EmailStatus.SENT, {})
    assert b"tok-123" not in b"".join(payload for _, payload in await office.bench.outbox())


async def test_a_guests_news_goes_to_the_account_they_sign_in_to(office: Office) -> None:
    guest, owner, stranger = new_id(), new_id(), new_id()
    for user_id in (guest, owner, stranger):
        await office.hear(paid(user_id=user_id))
    await office.hear(GuestSignedIn(user_id=owner, guest_id=guest))
    assert sorted(row.user_id for row in await office.rows("notifications")) == sorted([owner, owner, stranger])
