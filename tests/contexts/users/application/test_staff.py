"""Staff management: rights are given by those who hold them, denied requests leave no trace."""

import asyncio
from typing import Any

import msgspec
import pytest

from caddy_shopping.contexts.users.application.change_role import ChangeRole
from caddy_shopping.contexts.users.application.create_staff import CreateStaff
from caddy_shopping.contexts.users.application.disable_user import DisableUser, EnableUser
from caddy_shopping.contexts.users.application.ensure_first_admin import EnsureFirstAdmin
from caddy_shopping.contexts.users.application.reset_password import ResetPassword
from caddy_shopping.contexts.users.application.set_password import SetPassword
from caddy_shopping.contexts.users.application.views import AccountView
from caddy_shopping.contexts.users.domain import errors
from caddy_shopping.contracts.users import UserNotFound
from caddy_shopping.kernel.actor import ANONYMOUS, SYSTEM, Actor, PermissionMissing, Role
from caddy_shopping.kernel.errors import PreconditionFailed, Unauthenticated
from caddy_shopping.kernel.ids import new_id
from tests.contexts.users.world import PASSWORD, World


async def signed_in(world: World, email: str, role: Role = Role.STAFF, *permissions: str) -> Actor:
    await world.staff(email, role, *permissions)
    return await world.actor(await world.sign_in(email))


async def customer(world: World, email: str = "wei@example.com") -> AccountView:
    return (await world.register(email)).user


def every_command(actor: Actor, user: AccountView) -> list[tuple[str, Any]]:
    return [
        ("create_staff", CreateStaff(actor=actor, email="x@example.com", name="X", role=Role.STAFF)),
        ("change_role", ChangeRole(actor=actor, user_id=user.id, role=Role.STAFF, permissions=["orders:manage"])),
        ("disable_user", DisableUser(actor=actor, user_id=user.id)),
        ("enable_user", EnableUser(actor=actor, user_id=user.id)),
        ("set_password", SetPassword(actor=actor, user_id=user.id, password="a brand new password")),
    ]


async def test_denied_requests_leave_no_trace(world: World) -> None:
    user = await customer(world)
    staff = await signed_in(world, "staff@example.com", Role.STAFF, "orders:manage")
    own = await world.actor(await world.sign_in())
    before, hashed = await world.trace(), len(world.hasher.hashed)
    for actor, error in ((staff, PermissionMissing), (own, PermissionMissing), (ANONYMOUS, Unauthenticated)):
        for name, command in every_command(actor, user):
            with pytest.raises(error):
                await world.run(getattr(world.cases, name), command)
    assert await world.trace() == before
    assert len(world.hasher.hashed) == hashed


async def test_the_same_requests_work_for_who_may(world: World) -> None:
    """The control of the test above."""
    user = await customer(world)
    manager = await signed_in(world, "m@example.com", Role.STAFF, "users:manage", "orders:manage")
    for name, command in every_command(manager, user):
        await world.run(getattr(world.cases, name), command)
    account = await world.cases.queries.account(user.id)
    assert (account.role, account.permissions) == (Role.STAFF, ["orders:manage"])
    assert await world.sign_in(password="a brand new password")


async def test_staff_without_a_password_get_a_link_to_set_one(world: World) -> None:
    command = CreateStaff(actor=SYSTEM, email="new@example.com", name="New", role=Role.STAFF, language="zh")
    view = await world.run(world.cases.create_staff, command)
    [mail] = await world.events("PasswordResetRequested")
    assert (mail["userId"], mail["language"]) == (str(view.id), "zh")
    await world.run(world.cases.reset_password, ResetPassword(token=mail["token"], password=PASSWORD))
    assert (await world.sign_in("new@example.com")).user.role is Role.STAFF


async def test_staff_with_a_password_get_no_mail(world: World) -> None:
    await world.staff("new@example.com")
    assert await world.bench.outbox() == []
    assert await world.sign_in("new@example.com")


async def test_a_taken_address_or_a_weak_password_makes_no_staff(world: World) -> None:
    await customer(world)
    before = await world.trace()
    base = CreateStaff(actor=SYSTEM, email="WEI@example.com", name="X", role=Role.STAFF)
    with pytest.raises(errors.EmailTaken):
        await world.run(world.cases.create_staff, base)
    with pytest.raises(errors.PasswordLength):
        await world.run(world.cases.create_staff, msgspec.structs.replace(base, email="x@x.com", password="short"))
    assert await world.trace() == before


@pytest.mark.parametrize(
    ("role", "permissions", "error"),
    [
        (Role.GUEST, [], errors.RoleNotGiven),
        (Role.SYSTEM, [], errors.RoleNotGiven),
        (Role.ADMIN, ["orders:manage"], errors.PermissionsNeedStaff),
        (Role.CUSTOMER, ["orders:manage"], errors.PermissionsNeedStaff),
        (Role.STAFF, ["orders:mangle"], errors.PermissionUnknown),
    ],
)
async def test_rights_that_make_no_sense_are_refused(
    world: World, role: Role, permissions: list[str], error: type[Exception]
) -> None:
    user = await customer(world)
    before = await world.trace()
    with pytest.raises(error):
        await world.run(
            world.cases.change_role,
            ChangeRole(actor=SYSTEM, user_id=user.id, role=role, permissions=permissions),
        )
    assert await world.trace() == before


async def test_a_guest_is_given_no_role(world: World) -> None:
    guest = (await world.guest()).user
    with pytest.raises(errors.NotRegistered):
        await world.run(
            world.cases.change_role, ChangeRole(actor=SYSTEM, user_id=guest.id, role=Role.STAFF, permissions=[])
        )
    with pytest.raises(errors.NotRegistered):
        await world.run(
            world.cases.set_password, SetPassword(actor=SYSTEM, user_id=guest.id, password="a brand new password")
        )


async def test_permissions_count_from_the_next_request_on(world: World) -> None:
    user = (await world.register()).user
    session = await world.sign_in()
    grant = ChangeRole(actor=SYSTEM, user_id=user.id, role=Role.STAFF, permissions=["products:manage", "orders:manage"])
    await world.run(world.cases.change_role, grant)
    actor = await world.actor(session)
    assert (actor.role, sorted(actor.permissions)) == (Role.STAFF, ["orders:manage", "products:manage"])
    await world.run(
        world.cases.change_role, ChangeRole(actor=SYSTEM, user_id=user.id, role=Role.CUSTOMER, permissions=[])
    )
    assert not (await world.actor(session)).may("orders:manage")


async def test_nobody_climbs_by_handing_out_rights(world: World) -> None:
    user = await customer(world)
    admin = await world.staff("boss@example.com", Role.ADMIN)
    mighty = await world.staff("mighty@example.com", Role.STAFF, "payments:manage")
    manager = await signed_in(world, "m@example.com", Role.STAFF, "users:manage")
    before = await world.trace()
    refused: list[tuple[str, Any]] = [
        ("create_staff", CreateStaff(actor=manager, email="x@example.com", name="X", role=Role.ADMIN)),
        (
            "create_staff",
            CreateStaff(
                actor=manager, email="x@example.com", name="X", role=Role.STAFF, permissions=["payments:manage"]
            ),
        ),
        ("change_role", ChangeRole(actor=manager, user_id=user.id, role=Role.ADMIN, permissions=[])),
        ("change_role", ChangeRole(actor=manager, user_id=admin.id, role=Role.CUSTOMER, permissions=[])),
        ("change_role", ChangeRole(actor=manager, user_id=mighty.id, role=Role.CUSTOMER, permissions=[])),
        ("disable_user", DisableUser(actor=manager, user_id=admin.id)),
        ("set_password", SetPassword(actor=manager, user_id=admin.id, password="a brand new password")),
    ]
    for name, command in refused:
        with pytest.raises(errors.BeyondYourRights):
            await world.run(getattr(world.cases, name), command)
    assert await world.trace() == before
    boss = await world.actor(await world.sign_in("boss@example.com"))
    for name, command in refused[1:3]:
        await world.run(getattr(world.cases, name), msgspec.structs.replace(command, actor=boss))


async def test_nobody_changes_their_own_role_or_closes_their_own_account(world: World) -> None:
    admin = await signed_in(world, "boss@example.com", Role.ADMIN)
    await world.staff("other@example.com", Role.ADMIN)
    for name, command in (
        ("change_role", ChangeRole(actor=admin, user_id=admin.user_id, role=Role.CUSTOMER, permissions=[])),
        ("disable_user", DisableUser(actor=admin, user_id=admin.user_id)),
    ):
        with pytest.raises(errors.OwnAccount):
            await world.run(getattr(world.cases, name), command)
    assert (await world.actor(await world.sign_in("boss@example.com"))).role is Role.ADMIN


async def test_the_last_admin_stays(world: World) -> None:
    last = await world.staff("boss@example.com", Role.ADMIN)
    demote = ChangeRole(actor=SYSTEM, user_id=last.id, role=Role.CUSTOMER, permissions=[])
    with pytest.raises(errors.LastAdmin):
        await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=last.id))
    with pytest.raises(errors.LastAdmin):
        await world.run(world.cases.change_role, demote)
    assert (await world.sign_in("boss@example.com")).user.role is Role.ADMIN
    other = await world.staff("other@example.com", Role.ADMIN)
    await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=other.id))
    with pytest.raises(errors.LastAdmin):
        await world.run(world.cases.change_role, demote)
    await world.run(world.cases.enable_user, EnableUser(actor=SYSTEM, user_id=other.id))
    assert (await world.run(world.cases.change_role, demote)).role is Role.CUSTOMER


async def test_a_closed_account_is_out_at_once_and_told_of_once(world: World) -> None:
    session = await world.register()
    for _ in range(2):
        view = await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=session.user.id))
    assert view.disabled
    assert not await world.is_signed_in(session)
    assert await world.events("UserDisabled") == [{"userId": str(session.user.id)}]
    for _ in range(2):
        view = await world.run(world.cases.enable_user, EnableUser(actor=SYSTEM, user_id=session.user.id))
    assert not view.disabled
    assert not await world.is_signed_in(session), "opening an account does not bring old sessions back"


async def test_an_older_copy_is_not_changed(world: World) -> None:
    user = await customer(world)
    stale = user.version - 1
    before = await world.trace()
    for name, command in every_command(SYSTEM, user)[1:4]:
        with pytest.raises(PreconditionFailed):
            await world.run(getattr(world.cases, name), msgspec.structs.replace(command, version=stale))
    assert await world.trace() == before
    view = await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=user.id, version=user.version))
    assert view.version == user.version + 1


async def test_unknown_users_cannot_be_managed(world: World) -> None:
    nobody = new_id()
    for name, command in (
        ("disable_user", DisableUser(actor=SYSTEM, user_id=nobody)),
        ("set_password", SetPassword(actor=SYSTEM, user_id=nobody, password=PASSWORD)),
    ):
        with pytest.raises(UserNotFound):
            await world.run(getattr(world.cases, name), command)


async def test_the_first_admin_is_made_once(world: World) -> None:
    ensure = EnsureFirstAdmin(email="boss@example.com")
    email, password = await world.run(world.cases.ensure_first_admin, ensure)
    assert email == "boss@example.com"
    assert len(password) == 20
    assert (await world.sign_in(email, password)).user.role is Role.ADMIN
    assert await world.run(world.cases.ensure_first_admin, ensure) is None
    assert await world.count("users") == 1


async def test_of_two_first_starts_one_makes_the_admin(world: World) -> None:
    ensure = EnsureFirstAdmin(email="boss@example.com")
    answers = await asyncio.gather(*(world.run(world.cases.ensure_first_admin, ensure) for _ in range(2)))
    assert sorted(answer is None for answer in answers) == [False, True]
    assert await world.count("users") == 1


async def test_a_customer_does_not_become_the_first_admin(world: World) -> None:
    user = await customer(world)
    with pytest.raises(errors.EmailTaken):
        await world.run(world.cases.ensure_first_admin, EnsureFirstAdmin(email="wei@example.com"))
    assert (await world.cases.queries.account(user.id)).role is Role.CUSTOMER
