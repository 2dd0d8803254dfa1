"""What every `contracts.users.Users` does, the real one and the fake of the other contexts' tests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest

from caddy_shopping.contexts.users.application.change_role import ChangeRole
from caddy_shopping.contexts.users.application.disable_user import DisableUser
from caddy_shopping.contexts.users.application.sign_out import SignOut
from caddy_shopping.contracts.users import Session, Users
from caddy_shopping.kernel.actor import SYSTEM, Actor, Role
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.rpc.local import local_stub
from tests.contexts.users.world import World
from tests.support.fakes.users import FakeUsers


@dataclass
class Case:
    """An implementation, and how to bring about what it reports."""

    users: Users
    staff: Callable[[], Awaitable[UUID]]
    """Signs in wei@example.com, who may manage orders and products; the session's id."""
    guest: Callable[[], Awaitable[UUID]]
    sign_out: Callable[[Session], Awaitable[None]]
    disable: Callable[[Session], Awaitable[None]]


def real(world: World) -> Case:
    async def staff() -> UUID:
        session = await world.register()
        grant = ChangeRole(
            actor=SYSTEM, user_id=session.user.id, role=Role.STAFF, permissions=["products:manage", "orders:manage"]
        )
        await world.run(world.cases.change_role, grant)
        return UUID(session.access_token)

    async def guest() -> UUID:
        return UUID((await world.guest()).access_token)

    async def sign_out(session: Session) -> None:
        actor = Actor(Role(session.role), session.user_id, session.session_id)
        await world.run(world.cases.sign_out, SignOut(actor=actor))

    async def disable(session: Session) -> None:
        await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=session.user_id))

    users: Users = local_stub(Users, lambda: world.module.service, through_wire=True)
    return Case(users, staff, guest, sign_out, disable)


def fake(_world: World) -> Case:
    users = FakeUsers()

    async def staff() -> UUID:
        user = users.add(Role.STAFF, language="zh")
        return users.sign_in(user, "products:manage", "orders:manage").session_id

    async def guest() -> UUID:
        return users.sign_in(users.add(Role.GUEST)).session_id

    async def sign_out(session: Session) -> None:
        users.sign_out(session.session_id)

    async def disable(session: Session) -> None:
        users.disable(session.user_id)

    return Case(users, staff, guest, sign_out, disable)


@pytest.fixture(params=[real, fake])
def case(request: pytest.FixtureRequest, world: World) -> Case:
    made: Case = request.param(world)
    return made


async def living(case: Case, session_id: UUID) -> Session:
    session = await case.users.find_session(session_id=session_id)
    assert session is not None
    return session


async def test_a_session_says_whose_it_is_and_what_they_may(case: Case) -> None:
    session_id = await case.staff()
    session = await living(case, session_id)
    may = ["orders:manage", "products:manage"]
    assert session == Session(session_id, session.user_id, "staff", may, "zh", "wei@example.com")


async def test_a_guest_has_no_address(case: Case) -> None:
    session = await living(case, await case.guest())
    assert (session.role, session.permissions, session.email) == ("guest", [], None)


async def test_a_signed_out_session_is_gone_and_the_other_is_not(case: Case) -> None:
    mine, other = await living(case, await case.staff()), await living(case, await case.guest())
    await case.sign_out(mine)
    assert await case.users.find_session(session_id=mine.session_id) is None
    assert await living(case, other.session_id) == other


async def test_a_disabled_users_session_is_gone_at_once(case: Case) -> None:
    mine, other = await living(case, await case.staff()), await living(case, await case.guest())
    await case.disable(mine)
    assert await case.users.find_session(session_id=mine.session_id) is None
    assert await living(case, other.session_id) == other


async def test_nobody_is_found_by_a_made_up_id(case: Case) -> None:
    assert await case.users.find_session(session_id=new_id()) is None


async def test_the_fake_makes_actors() -> None:
    actor = FakeUsers().actor(Role.STAFF, "orders:manage")
    assert actor.may("orders:manage")
    assert not actor.may("users:manage")
