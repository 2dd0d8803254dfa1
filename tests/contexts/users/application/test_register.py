"""Registering: one account for each address, and a guest stays who they are."""

import asyncio

import pytest

from caddy_shopping.contexts.users.application.disable_user import DisableUser
from caddy_shopping.contexts.users.application.register import Register
from caddy_shopping.contexts.users.application.views import SignedIn
from caddy_shopping.contexts.users.domain.errors import (
    AlreadyRegistered,
    EmailInvalid,
    EmailTaken,
    PasswordLength,
    PasswordTooCommon,
    TextInvalid,
)
from caddy_shopping.contracts.users import UserNotFound
from caddy_shopping.kernel.actor import ANONYMOUS, SYSTEM, Actor, Role
from caddy_shopping.kernel.ids import new_id
from tests.contexts.users.world import PASSWORD, World


async def test_registering_makes_a_customer_and_signs_them_in(world: World) -> None:
    signed_in = await world.register(" Wei@Example.com ")
    user = signed_in.user
    assert (user.role, user.email, user.name, user.language) == (Role.CUSTOMER, "Wei@Example.com", "Wang Wei", "zh")
    assert not user.email_confirmed
    assert await world.is_signed_in(signed_in)
    registered = {"userId": str(user.id), "email": "Wei@Example.com", "name": "Wang Wei", "language": "zh"}
    assert await world.events("UserRegistered") == [registered]
    [asked] = await world.events("EmailConfirmationRequested")
    assert asked == {**registered, "token": asked["token"]}
    assert asked["token"] not in repr(await world.cases.queries.account(user.id))


@pytest.mark.parametrize("again", ["wei@example.com", "WEI@EXAMPLE.COM", "ｗｅｉ@example.com", " wei@example.com\t"])
async def test_one_address_in_any_spelling_has_one_account(world: World, again: str) -> None:
    await world.register()
    before = await world.trace()
    with pytest.raises(EmailTaken):
        await world.register(again)
    assert await world.trace() == before


async def test_of_two_registrations_at_once_one_wins(world: World) -> None:
    answers = await asyncio.gather(world.register(), world.register("WEI@example.com"), return_exceptions=True)
    assert {type(answer) for answer in answers} == {SignedIn, EmailTaken}
    assert await world.count("users") == 1
    assert len(await world.events("UserRegistered")) == 1


async def test_the_index_decides_where_both_looked_before_either_wrote(world: World) -> None:
    """With several writers the unique index catches the loser, who is run again and told the real reason."""
    handler, looked = world.cases.register, 0

    async def blind_once(command: Register) -> SignedIn:
        nonlocal looked
        looked += 1
        if looked > 1:
            return await handler(command)
        async with handler.uow() as tx:
            user = await handler._account(tx, command, "1:x")
            return await handler.desk.open(tx, user)

    await world.register()
    command = Register(actor=ANONYMOUS, email="WEI@example.com", password=PASSWORD, name="Li", language="en")
    with pytest.raises(EmailTaken):
        await world.run(blind_once, command)
    assert looked == 2
    assert await world.count("users") == 1


async def test_a_guest_keeps_their_id(world: World) -> None:
    guest = await world.guest()
    customer = await world.register(actor=await world.actor(guest))
    assert customer.user.id == guest.user.id
    assert (customer.user.role, customer.user.language) == (Role.CUSTOMER, "zh")
    assert (await world.events("UserRegistered"))[0]["language"] == "zh"
    assert await world.is_signed_in(customer)
    assert not await world.is_signed_in(guest), "what a guest's token may do must not outlive the guest"
    assert await world.count("users") == 1


async def test_a_guest_registers_once(world: World) -> None:
    actor = await world.actor(await world.guest())
    await world.register(actor=actor)
    before = await world.trace()
    with pytest.raises(AlreadyRegistered):
        await world.register("other@example.com", actor=actor)
    assert await world.trace() == before


async def test_a_guest_who_is_gone_cannot_register(world: World) -> None:
    with pytest.raises(UserNotFound):
        await world.register(actor=Actor(Role.GUEST, new_id(), new_id()))


async def test_who_is_signed_in_may_register_another_account(world: World) -> None:
    first = await world.register()
    second = await world.register("li@example.com", actor=await world.actor(first))
    assert second.user.id != first.user.id
    assert await world.is_signed_in(first)


@pytest.mark.parametrize(
    ("email", "password", "name", "error"),
    [
        ("no-address", PASSWORD, "Li", EmailInvalid),
        ("li@example.com", "short", "Li", PasswordLength),
        ("li@example.com", "x" * 129, "Li", PasswordLength),
        ("li@example.com", "Password123", "Li", PasswordTooCommon),
        ("li@example.com", "LI@example.com", "Li", PasswordTooCommon),
        ("li@example.com", PASSWORD, "\u200b", TextInvalid),
    ],
)
async def test_bad_data_leaves_nothing(
    world: World, email: str, password: str, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await world.run(
            world.cases.register,
            Register(actor=ANONYMOUS, email=email, password=password, name=name, language="en"),
        )
    assert await world.count("users") == 0
    assert await world.bench.outbox() == []


async def test_a_guest_has_tokens_and_nothing_else(world: World) -> None:
    guest = await world.guest()
    assert guest.user.role is Role.GUEST
    assert (guest.user.email, guest.user.name, guest.user.permissions) == (None, None, [])
    assert (await world.actor(guest)).user_id == guest.user.id
    assert await world.bench.outbox() == []


async def test_a_disabled_guest_is_signed_out(world: World) -> None:
    guest = await world.guest()
    await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=guest.user.id))
    assert not await world.is_signed_in(guest)
