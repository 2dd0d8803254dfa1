"""What has run out is forgotten; nothing else is."""

from datetime import timedelta

import pytest

from caddy_shopping.contexts.users.application import purge
from caddy_shopping.contexts.users.application.purge import PurgeExpired
from caddy_shopping.contexts.users.application.refresh import Refresh
from caddy_shopping.contexts.users.application.sign_out import SignOut
from tests.contexts.users.world import World


async def test_ended_sessions_go_after_a_week_with_their_tokens(world: World) -> None:
    signed_out, idle = await world.register(), await world.sign_in()
    await world.run(world.cases.refresh, Refresh(refresh_token=signed_out.refresh_token))
    await world.run(world.cases.sign_out, SignOut(actor=await world.actor(signed_out)))
    world.clock.advance(timedelta(days=7))
    assert await world.run(world.cases.purge_expired, PurgeExpired()) == 1  # the confirmation link
    assert await world.count("user_sessions") == 2
    world.clock.advance(timedelta(seconds=1))
    assert await world.run(world.cases.purge_expired, PurgeExpired()) == 1
    assert await world.count("user_refresh_tokens") == 1
    assert await world.is_signed_in(idle)
    world.clock.advance(timedelta(days=30))
    [job] = world.module.jobs
    await job.run()
    assert await world.count("user_sessions") == 0
    assert await world.count("user_refresh_tokens") == 0
    assert await world.count("users") == 1


async def test_links_go_when_they_ran_out(world: World) -> None:
    await world.register()
    world.clock.advance(timedelta(hours=23))
    assert await world.run(world.cases.purge_expired, PurgeExpired()) == 0
    world.clock.advance(timedelta(hours=1, seconds=1))
    assert await world.run(world.cases.purge_expired, PurgeExpired()) == 1
    assert await world.count("user_tokens") == 0


async def test_much_is_forgotten_in_small_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    for _ in range(5):
        await world.guest()
    world.clock.advance(timedelta(days=38))
    assert await world.run(world.cases.purge_expired, PurgeExpired()) == 5
    assert await world.count("user_sessions") == 0
