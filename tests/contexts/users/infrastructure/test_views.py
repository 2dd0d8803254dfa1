"""Reads: what is found, in which order, with how many statements."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from caddy_shopping.contexts.users.application.disable_user import DisableUser
from caddy_shopping.contexts.users.application.queries import AccountFilter
from caddy_shopping.contracts.users import UserNotFound
from caddy_shopping.kernel.actor import SYSTEM, Role
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest
from tests.contexts.users.world import World
from tests.support.engine import only_sqlite
from tests.support.statements import counted


@only_sqlite("how it plans a query")
async def test_a_session_is_found_by_one_indexed_select(world: World) -> None:
    signed_in = await world.register()
    with counted() as statements:
        session = await world.cases.queries.session(UUID(signed_in.access_token))
    assert session is not None
    assert (session.user_id, session.role, session.permissions, session.language) == (
        signed_in.user.id,
        "customer",
        [],
        "zh",
    )
    assert len(statements) == 1
    async with world.bench.kit.database.read() as connection:
        plan = await connection.execute(
            text(f"EXPLAIN QUERY PLAN {statements[0][0].replace('?', ':x')}"), {"x": b"\0" * 16}
        )
        steps = [row.detail for row in plan]
    assert steps
    assert all("USING INDEX" in step for step in steps), steps


async def test_an_unknown_session_is_none(world: World) -> None:
    assert await world.cases.queries.session(new_id()) is None


async def test_accounts_are_listed_newest_first_and_paged(world: World) -> None:
    users = [(await world.register(f"user{n}@example.com", name=f"User {n}")).user for n in range(5)]
    with counted() as statements:
        first = await world.cases.queries.accounts(AccountFilter(), PageRequest(2, total=True))
    assert len(statements) == 2
    assert [account.id for account in first.items] == [users[4].id, users[3].id]
    assert first.total == 5
    second = await world.cases.queries.accounts(AccountFilter(), PageRequest(2, first.next_cursor))
    third = await world.cases.queries.accounts(AccountFilter(), PageRequest(2, second.next_cursor))
    assert [account.id for account in second.items + third.items] == [user.id for user in reversed(users[:3])]
    assert third.next_cursor is None
    assert second.total is None


async def test_accounts_are_filtered(world: World) -> None:
    wei = (await world.register("wei@example.com", name="Wang 100% Wei")).user
    li = (await world.register("li_lei@example.com", name="Li Lei")).user
    guest = (await world.guest()).user
    staff = await world.staff("staff@example.com")
    await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=li.id))

    async def found(**wanted: Any) -> set[UUID]:
        page = await world.cases.queries.accounts(AccountFilter(**wanted), PageRequest())
        return {account.id for account in page.items}

    assert await found() == {wei.id, li.id, guest.id, staff.id}
    assert await found(role=Role.CUSTOMER) == {wei.id, li.id}
    assert await found(disabled=True) == {li.id}
    assert await found(role=Role.CUSTOMER, disabled=False) == {wei.id}
    assert await found(search="WEI@") == {wei.id}
    assert await found(search="wang") == {wei.id}
    assert await found(search="0%") == {wei.id}
    assert await found(search="%") == {wei.id}
    assert await found(search="li_") == {li.id}
    assert await found(search="_") == set()
    assert await found(search="example.com") == set()


async def test_a_made_up_cursor_is_refused(world: World) -> None:
    with pytest.raises(CursorInvalid):
        await world.cases.queries.accounts(AccountFilter(), PageRequest(2, "abc"))


async def test_accounts_are_found_by_any_spelling_of_their_address(world: World) -> None:
    user = (await world.register()).user
    assert await world.cases.queries.account_by_email(" WEI@example.com") == await world.cases.queries.account(user.id)
    with pytest.raises(UserNotFound):
        await world.cases.queries.account_by_email("li@example.com")
    with pytest.raises(UserNotFound):
        await world.cases.queries.credentials(new_id())
