"""Signing out, new passwords, confirmed addresses: who ends which sessions, and which links still work."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from caddy_shopping.contexts.users.application.change_password import ChangePassword
from caddy_shopping.contexts.users.application.confirm_email import ConfirmEmail, ResendConfirmation
from caddy_shopping.contexts.users.application.disable_user import DisableUser
from caddy_shopping.contexts.users.application.reset_password import RequestPasswordReset, ResetPassword
from caddy_shopping.contexts.users.application.sign_out import SignOut, SignOutEverywhere
from caddy_shopping.contexts.users.domain.errors import (
    BadCredentials,
    CurrentPasswordWrong,
    EmailAlreadyConfirmed,
    MailTokenInvalid,
    NotRegistered,
    PasswordLength,
    PasswordTooCommon,
)
from caddy_shopping.contexts.users.infrastructure import tables
from caddy_shopping.kernel.actor import ANONYMOUS, SYSTEM, Actor
from caddy_shopping.kernel.errors import RateLimited, Unauthenticated
from tests.contexts.users.world import HERE, PASSWORD, World

NEW = "a brand new password"


async def change(world: World, actor: Actor, current: str = PASSWORD, new: str = NEW) -> None:
    command = ChangePassword(actor=actor, current=current, new=new, address=HERE)
    await world.run(world.cases.change_password, command)


async def forgot(world: World, email: str = "wei@example.com") -> None:
    await world.run(world.cases.request_password_reset, RequestPasswordReset(email=email, address=HERE))


async def reset(world: World, token: str, password: str = NEW) -> None:
    await world.run(world.cases.reset_password, ResetPassword(token=token, password=password))


async def confirm(world: World, token: str) -> None:
    await world.run(world.cases.confirm_email, ConfirmEmail(token=token))


async def test_signing_out_ends_one_session(world: World) -> None:
    here, there = await world.register(), await world.sign_in()
    actor = await world.actor(here)
    for _ in range(2):
        await world.run(world.cases.sign_out, SignOut(actor=actor))
    assert not await world.is_signed_in(here)
    assert await world.is_signed_in(there)


async def test_signing_out_everywhere_ends_mine_and_nobody_elses(world: World) -> None:
    here, there, other = await world.register(), await world.sign_in(), await world.register("li@example.com")
    await world.run(world.cases.sign_out_everywhere, SignOutEverywhere(actor=await world.actor(here)))
    assert [await world.is_signed_in(each) for each in (here, there, other)] == [False, False, True]


async def test_nobody_cannot_sign_out(world: World) -> None:
    signed_in = await world.register()
    with pytest.raises(Unauthenticated):
        await world.run(world.cases.sign_out, SignOut(actor=ANONYMOUS))
    with pytest.raises(Unauthenticated):
        await world.run(world.cases.sign_out_everywhere, SignOutEverywhere(actor=ANONYMOUS))
    assert await world.is_signed_in(signed_in)


async def test_a_changed_password_ends_all_other_sessions_and_the_reset_link(world: World) -> None:
    here, there = await world.register(), await world.sign_in()
    await forgot(world)
    link = await world.mailed("PasswordResetRequested")
    await change(world, await world.actor(here))
    assert await world.is_signed_in(here)
    assert not await world.is_signed_in(there)
    with pytest.raises(MailTokenInvalid):
        await reset(world, link)
    with pytest.raises(BadCredentials):
        await world.sign_in()
    assert await world.sign_in(password=NEW)


@pytest.mark.parametrize(
    ("current", "new", "error"),
    [
        ("wrong password", NEW, CurrentPasswordWrong),
        (PASSWORD, "short", PasswordLength),
        (PASSWORD, "1234567890", PasswordTooCommon),
        (PASSWORD, "wei@example.com", PasswordTooCommon),
    ],
)
async def test_a_refused_change_changes_nothing(world: World, current: str, new: str, error: type[Exception]) -> None:
    actor = await world.actor(await world.register())
    other = await world.sign_in()
    before = await world.trace()
    with pytest.raises(error):
        await change(world, actor, current, new)
    assert await world.trace() == before
    assert await world.is_signed_in(other)


async def test_the_current_password_cannot_be_guessed_for_ever(world: World) -> None:
    actor = await world.actor(await world.register())
    for _ in range(10):
        with pytest.raises(CurrentPasswordWrong):
            await change(world, actor, "wrong password")
    world.hasher.verified.clear()
    with pytest.raises(RateLimited):
        await change(world, actor)
    assert world.hasher.verified == []


async def test_a_guest_has_no_password_to_change(world: World) -> None:
    actor = await world.actor(await world.guest())
    with pytest.raises(NotRegistered):
        await change(world, actor)


async def test_a_reset_link_sets_a_password_once_and_ends_every_session(world: World) -> None:
    signed_in = await world.register()
    await forgot(world, " WEI@example.com ")
    [mail] = await world.events("PasswordResetRequested")
    assert (mail["email"], mail["userId"], mail["language"]) == ("wei@example.com", str(signed_in.user.id), "zh")
    assert mail["token"] not in repr((await world.trace())["user_tokens"])
    await reset(world, mail["token"])
    assert not await world.is_signed_in(signed_in)
    again = await world.sign_in(password=NEW)
    assert again.user.email_confirmed, "who reads the mail owns the address"
    with pytest.raises(MailTokenInvalid):
        await reset(world, mail["token"], "yet another password")
    assert await world.sign_in(password=NEW)


async def test_unknown_addresses_and_closed_accounts_get_no_mail_and_no_error(world: World) -> None:
    user = (await world.register()).user
    await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=user.id))
    await forgot(world)
    await forgot(world, "nobody@example.com")
    await forgot(world, "no address")
    assert await world.events("PasswordResetRequested") == []


async def test_one_place_cannot_flood_a_mailbox(world: World) -> None:
    await world.register()
    for _ in range(10):
        await forgot(world)
    with pytest.raises(RateLimited):
        await forgot(world)
    assert len(await world.events("PasswordResetRequested")) == 10
    assert await world.count("user_tokens") == 2, "only the newest link of each kind is kept"


async def test_a_newer_reset_link_replaces_the_older(world: World) -> None:
    await world.register()
    await forgot(world)
    older = await world.mailed("PasswordResetRequested")
    await forgot(world)
    with pytest.raises(MailTokenInvalid):
        await reset(world, older)
    await reset(world, await world.mailed("PasswordResetRequested"))


async def test_a_reset_link_lives_an_hour_and_refusing_it_costs_no_hash(world: World) -> None:
    await world.register()
    await forgot(world)
    world.clock.advance(timedelta(hours=1))
    hashed = len(world.hasher.hashed)
    for token in (await world.mailed("PasswordResetRequested"), "unknown"):
        with pytest.raises(MailTokenInvalid):
            await reset(world, token)
    assert len(world.hasher.hashed) == hashed
    assert await world.sign_in()


async def test_a_weak_new_password_does_not_use_the_link_up(world: World) -> None:
    await world.register()
    await forgot(world)
    token = await world.mailed("PasswordResetRequested")
    with pytest.raises(PasswordTooCommon):
        await reset(world, token, "wei@example.com")
    await reset(world, token)


async def test_a_link_does_not_outlive_its_account(world: World) -> None:
    user = (await world.register()).user
    await forgot(world)
    await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=user.id))
    with pytest.raises(MailTokenInvalid):
        await reset(world, await world.mailed("PasswordResetRequested"))


async def test_a_link_that_escaped_does_not_open_a_closed_account(world: World) -> None:
    await world.register()
    await forgot(world)
    async with world.bench.kit.database.writer.begin() as connection:
        await connection.execute(update(tables.users).values(disabled_at=world.clock.now()))
    with pytest.raises(MailTokenInvalid):
        await reset(world, await world.mailed("PasswordResetRequested"))
    found = await world.cases.queries.credentials_by_email("wei@example.com")
    assert found is not None
    assert found.password_hash == f"1:{PASSWORD}"


async def test_a_reset_does_not_move_the_day_of_confirmation(world: World) -> None:
    await world.register()
    await confirm(world, await world.mailed("EmailConfirmationRequested"))
    confirmed = (await world.trace())["users"][0]
    world.clock.advance(timedelta(days=1))
    await forgot(world)
    await reset(world, await world.mailed("PasswordResetRequested"))
    column = list(tables.users.c).index(tables.users.c.email_confirmed_at)
    assert (await world.trace())["users"][0][column] == confirmed[column]


async def test_an_address_is_confirmed_once(world: World) -> None:
    signed_in = await world.register()
    token = await world.mailed("EmailConfirmationRequested")
    await confirm(world, token)
    assert (await world.cases.queries.account(signed_in.user.id)).email_confirmed
    with pytest.raises(MailTokenInvalid):
        await confirm(world, token)


async def test_a_confirmation_link_lives_a_day(world: World) -> None:
    signed_in = await world.register()
    world.clock.advance(timedelta(hours=24))
    with pytest.raises(MailTokenInvalid):
        await confirm(world, await world.mailed("EmailConfirmationRequested"))
    assert not (await world.cases.queries.account(signed_in.user.id)).email_confirmed


async def test_each_link_is_good_for_its_own_purpose_only(world: World) -> None:
    await world.register()
    await forgot(world)
    with pytest.raises(MailTokenInvalid):
        await confirm(world, await world.mailed("PasswordResetRequested"))
    with pytest.raises(MailTokenInvalid):
        await reset(world, await world.mailed("EmailConfirmationRequested"))


async def test_the_confirmation_mail_comes_again_until_it_was_answered(world: World) -> None:
    actor = await world.actor(await world.register())
    first = await world.mailed("EmailConfirmationRequested")
    await world.run(world.cases.resend_confirmation, ResendConfirmation(actor=actor))
    second = await world.mailed("EmailConfirmationRequested")
    with pytest.raises(MailTokenInvalid):
        await confirm(world, first)
    await confirm(world, second)
    with pytest.raises(EmailAlreadyConfirmed):
        await world.run(world.cases.resend_confirmation, ResendConfirmation(actor=actor))
    assert len(await world.events("EmailConfirmationRequested")) == 2


async def test_a_guest_has_no_address_to_confirm(world: World) -> None:
    actor = await world.actor(await world.guest())
    with pytest.raises(NotRegistered):
        await world.run(world.cases.resend_confirmation, ResendConfirmation(actor=actor))
