"""Rotation: one successor for each token, patience with a lost answer, none with a copy."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from caddy_shopping.contexts.users.application.disable_user import DisableUser
from caddy_shopping.contexts.users.application.refresh import Refresh
from caddy_shopping.contexts.users.application.sign_out import SignOut
from caddy_shopping.contexts.users.application.views import SignedIn
from caddy_shopping.contexts.users.domain.errors import RefreshTokenInvalid, RefreshTokenReused
from caddy_shopping.contexts.users.infrastructure import tables
from caddy_shopping.kernel.actor import SYSTEM
from tests.contexts.users.world import World


async def refresh(world: World, token: str) -> SignedIn:
    answer: SignedIn = await world.run(world.cases.refresh, Refresh(refresh_token=token))
    return answer


async def test_a_refresh_token_is_traded_for_another_of_the_same_session(world: World) -> None:
    first = await world.register()
    world.clock.advance(timedelta(minutes=14))
    second = await refresh(world, first.refresh_token)
    assert second.refresh_token != first.refresh_token
    assert second.access_token == first.access_token  # the fake's access token is the session's id
    assert second.user.id == first.user.id
    assert await world.count("user_sessions") == 1
    assert await world.count("user_refresh_tokens") == 2


async def test_nothing_plain_is_stored(world: World) -> None:
    first = await world.register()
    second = await refresh(world, first.refresh_token)
    stored = repr(await world.trace())
    assert first.refresh_token not in stored
    assert second.refresh_token not in stored


async def test_an_honest_retry_gets_the_same_successor(world: World) -> None:
    first = await world.register()
    second = await refresh(world, first.refresh_token)
    world.clock.advance(timedelta(seconds=30))
    again = await refresh(world, first.refresh_token)
    assert again.refresh_token == second.refresh_token
    assert await world.is_signed_in(again)
    assert await world.count("user_refresh_tokens") == 2


async def test_a_late_second_use_ends_the_session(world: World) -> None:
    first = await world.register()
    second = await refresh(world, first.refresh_token)
    elsewhere = await world.sign_in()
    world.clock.advance(timedelta(seconds=31))
    assert await world.is_signed_in(second)
    with pytest.raises(RefreshTokenReused):
        await refresh(world, first.refresh_token)
    assert not await world.is_signed_in(second)
    with pytest.raises(RefreshTokenInvalid):
        await refresh(world, second.refresh_token)
    assert await world.is_signed_in(elsewhere), "another family of the same user has nothing to do with it"


async def test_a_second_use_ends_the_session_at_once_where_somebody_has_the_successor(world: World) -> None:
    first = await world.register()
    second = await refresh(world, first.refresh_token)
    third = await refresh(world, second.refresh_token)
    with pytest.raises(RefreshTokenReused):
        await refresh(world, first.refresh_token)
    with pytest.raises(RefreshTokenInvalid):
        await refresh(world, third.refresh_token)


async def test_twenty_refreshes_at_once_give_one_successor(world: World) -> None:
    first = await world.register()
    answers = await asyncio.gather(*(refresh(world, first.refresh_token) for _ in range(20)))
    assert len({answer.refresh_token for answer in answers}) == 1
    assert await world.count("user_refresh_tokens") == 2
    assert await world.is_signed_in(answers[0])


async def test_who_loses_the_race_for_a_token_is_run_again(world: World) -> None:
    """On a database with several writers the conditional UPDATE is what decides: here another writer is played."""
    first = await world.register()
    handler = world.cases.refresh
    runs = 0

    async def beaten_once(command: Refresh) -> SignedIn:
        nonlocal runs
        runs += 1
        async with handler.uow() as tx:
            rotate = tx.sessions.rotate

            async def late(*arguments: object) -> None:
                table = tables.refresh_tokens
                if runs == 1:
                    await tx.session.execute(update(table).values(used_at=world.clock.now()))  # type: ignore[attr-defined]
                await rotate(*arguments)  # type: ignore[arg-type]

            tx.sessions.rotate = late  # type: ignore[assignment, method-assign]
            answer = await handler._trade(tx, command.refresh_token)
        assert answer is not None
        return answer

    second = await world.run(beaten_once, Refresh(refresh_token=first.refresh_token))
    assert runs == 2
    assert (await refresh(world, second.refresh_token)).user.id == first.user.id


async def test_a_session_that_was_signed_out_meanwhile_is_not_brought_back(world: World) -> None:
    first = await world.register()
    handler = world.cases.refresh

    async def overtaken(command: Refresh) -> SignedIn | None:
        async with handler.uow() as tx:
            rotate = tx.sessions.rotate

            async def late(*arguments: object) -> None:
                await tx.sessions.revoke(UUID(first.access_token), world.clock.now())
                await rotate(*arguments)  # type: ignore[arg-type]

            tx.sessions.rotate = late  # type: ignore[assignment, method-assign]
            return await handler._trade(tx, command.refresh_token)

    with pytest.raises(Exception, match="same moment"):
        await world.run(overtaken, Refresh(refresh_token=first.refresh_token))
    assert await world.count("user_refresh_tokens") == 1


@pytest.mark.parametrize("token", ["unknown", "", "ä" * 40])
async def test_unknown_tokens_are_refused(world: World, token: str) -> None:
    await world.register()
    with pytest.raises(RefreshTokenInvalid):
        await refresh(world, token)


async def test_a_signed_out_session_cannot_be_refreshed(world: World) -> None:
    first = await world.register()
    await world.run(world.cases.sign_out, SignOut(actor=await world.actor(first)))
    with pytest.raises(RefreshTokenInvalid):
        await refresh(world, first.refresh_token)


async def test_a_disabled_users_session_cannot_be_refreshed(world: World) -> None:
    first = await world.register()
    await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=first.user.id))
    with pytest.raises(RefreshTokenInvalid):
        await refresh(world, first.refresh_token)


async def test_even_a_session_that_escaped_revocation_ends_with_its_user(world: World) -> None:
    first = await world.register()
    async with world.bench.kit.database.writer.begin() as connection:
        await connection.execute(update(tables.users).values(disabled_at=world.clock.now()))
    with pytest.raises(RefreshTokenInvalid):
        await refresh(world, first.refresh_token)
    assert not await world.is_signed_in(first)


async def test_a_session_lives_on_while_it_is_refreshed_but_not_for_ever(world: World) -> None:
    signed_in = await world.register()
    for _ in range(6):
        world.clock.advance(timedelta(days=29))
        signed_in = await refresh(world, signed_in.refresh_token)
    assert signed_in.refresh_expires_in == timedelta(days=180 - 6 * 29).total_seconds()
    world.clock.advance(timedelta(days=6))
    with pytest.raises(RefreshTokenInvalid):
        await refresh(world, signed_in.refresh_token)
    assert not await world.is_signed_in(signed_in)


async def test_an_idle_session_ends(world: World) -> None:
    signed_in = await world.register()
    world.clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert await world.is_signed_in(signed_in)
    world.clock.advance(timedelta(seconds=1))
    assert not await world.is_signed_in(signed_in)
