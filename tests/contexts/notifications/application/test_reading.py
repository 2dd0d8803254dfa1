from datetime import timedelta
from uuid import UUID

import pytest

from caddy_shopping.contexts.notifications.application.mark_read import MarkAllRead, MarkRead
from caddy_shopping.contexts.notifications.application.views import NotificationView
from caddy_shopping.contexts.notifications.domain.errors import NotificationNotFound
from caddy_shopping.kernel.actor import ANONYMOUS, Actor
from caddy_shopping.kernel.errors import Unauthenticated
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest
from tests.contexts.notifications.support import Office, customer, paid


async def mark(office: Office, actor: Actor, notification_id: UUID) -> NotificationView:
    command = MarkRead(actor=actor, notification_id=notification_id)
    return await office.bench.kit.run(office.use_cases.mark_read, command)


async def unread(office: Office, actor: Actor) -> int:
    return (await office.use_cases.queries.unread_count(actor)).unread


async def test_the_list_is_the_actors_own_newest_first_in_pages(office: Office) -> None:
    actor = customer()
    events = [paid(user_id=actor.id) for _ in range(5)]
    for event in [*events, paid()]:
        await office.hear(event)
    page, seen = PageRequest(limit=2, total=True), list[UUID | None]()
    while True:
        found = await office.use_cases.queries.notifications(actor, page, unread=False)
        assert found.total == 5
        seen += [view.order_id for view in found.items]
        if found.next_cursor is None:
            break
        page = PageRequest(limit=2, cursor=found.next_cursor, total=True)
    assert seen == [event.order_id for event in reversed(events)]


async def test_words_are_in_the_readers_language_of_today(office: Office) -> None:
    actor = customer()
    await office.hear(paid(user_id=actor.id, language="en"))
    for language, title in (("en", "Order 2603-0007-KX paid"), ("zh", "订单 2603-0007-KX 已付款")):
        reader = customer(actor.id, language)
        (view,) = (await office.use_cases.queries.notifications(reader, PageRequest(), unread=True)).items
        assert view.title == title
        assert "249.97 CNY" in view.body


async def test_a_read_mark_stays_as_it_was_first_set(office: Office) -> None:
    actor = customer()
    for _ in range(3):
        await office.hear(paid(user_id=actor.id))
    first, *_ = (await office.use_cases.queries.notifications(actor, PageRequest(), unread=True)).items
    marked = await mark(office, actor, first.id)
    assert marked.read_at == office.clock.now()
    office.clock.advance(timedelta(hours=1))
    assert await mark(office, actor, first.id) == marked
    assert await unread(office, actor) == 2
    rest = (await office.use_cases.queries.notifications(actor, PageRequest(total=True), unread=True)).items
    assert first.id not in [view.id for view in rest]
    assert len(rest) == 2


async def test_mark_all_marks_only_ones_own(office: Office) -> None:
    actor, other = customer(), customer()
    for user in (actor, actor, other):
        await office.hear(paid(user_id=user.id))
    for marked in (2, 0):
        answer = await office.bench.kit.run(office.use_cases.mark_all_read, MarkAllRead(actor=actor))
        assert answer.marked == marked
    assert (await unread(office, actor), await unread(office, other)) == (0, 1)


async def test_other_peoples_notifications_do_not_exist(office: Office) -> None:
    owner, stranger = customer(), customer()
    await office.hear(paid(user_id=owner.id))
    (view,) = (await office.use_cases.queries.notifications(owner, PageRequest(), unread=False)).items
    for notification_id in (view.id, new_id()):
        with pytest.raises(NotificationNotFound):
            await mark(office, stranger, notification_id)
    assert (await office.use_cases.queries.notifications(stranger, PageRequest(), unread=False)).items == []
    assert await unread(office, owner) == 1


async def test_nobody_reads_nothing(office: Office) -> None:
    with pytest.raises(Unauthenticated):
        await office.use_cases.queries.notifications(ANONYMOUS, PageRequest(), unread=False)
    with pytest.raises(Unauthenticated):
        await office.use_cases.queries.unread_count(ANONYMOUS)
    with pytest.raises(Unauthenticated):
        await mark(office, ANONYMOUS, new_id())
    with pytest.raises(CursorInvalid):
        await office.use_cases.queries.notifications(customer(), PageRequest(cursor="x"), unread=False)
