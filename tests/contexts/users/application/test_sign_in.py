"""Signing in: the same answer and the same work whoever does not exist, and an end to guessing."""

from datetime import timedelta

import msgspec
import pytest

from caddy_shopping.contexts.users.application.change_password import ChangePassword
from caddy_shopping.contexts.users.application.create_staff import CreateStaff
from caddy_shopping.contexts.users.application.disable_user import DisableUser, EnableUser
from caddy_shopping.contexts.users.application.set_password import SetPassword
from caddy_shopping.contexts.users.application.sign_in import SignIn
from caddy_shopping.contexts.users.domain.errors import AccountDisabled, BadCredentials, CurrentPasswordWrong
from caddy_shopping.kernel.actor import SYSTEM, Role
from caddy_shopping.kernel.errors import RateLimited
from tests.contexts.users.world import PASSWORD, FakeHasher, World


@pytest.mark.parametrize("email", ["wei@example.com", "WEI@EXAMPLE.COM", " wei@example.com "])
async def test_any_spelling_of_the_address_signs_in(world: World, email: str) -> None:
    registered = await world.register()
    signed_in = await world.sign_in(email)
    assert signed_in.user.id == registered.user.id
    assert await world.is_signed_in(signed_in)
    assert await world.is_signed_in(registered)


async def test_unknown_user_and_wrong_password_cost_the_same(world: World) -> None:
    await world.register()
    hashed = len(world.hasher.hashed)
    before = await world.trace()
    for email in ("wei@example.com", "nobody@example.com", "no address"):
        world.hasher.verified.clear()
        with pytest.raises(BadCredentials) as refused:
            await world.sign_in(email, "wrong password")
        assert len(world.hasher.verified) == 1, email
        assert refused.value.message() == BadCredentials().message()
    assert len(world.hasher.hashed) == hashed
    assert await world.trace() == before


async def test_an_account_without_a_password_cannot_be_signed_in_to(world: World) -> None:
    command = CreateStaff(actor=SYSTEM, email="new@example.com", name="New", role=Role.STAFF)
    await world.run(world.cases.create_staff, command)
    with pytest.raises(BadCredentials):
        await world.sign_in("new@example.com", "anything at all")
    assert world.hasher.verified == [(None, "anything at all")]


async def test_guessing_ends_after_ten_tries_before_anything_is_hashed(world: World) -> None:
    await world.register()
    for _ in range(10):
        with pytest.raises(BadCredentials):
            await world.sign_in(password="wrong password")
    world.hasher.verified.clear()
    with pytest.raises(RateLimited) as refused:
        await world.sign_in("WEI@example.com")
    assert refused.value.retry_after == 300
    assert world.hasher.verified == []
    assert await world.sign_in(address="198.51.100.7")
    world.clock.advance(timedelta(minutes=5))
    assert await world.sign_in()


async def test_signing_in_clears_the_count(world: World) -> None:
    await world.register()
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(BadCredentials):
                await world.sign_in(password="wrong password")
        assert await world.sign_in()


async def test_a_guest_brings_their_things_along(world: World) -> None:
    registered = await world.register()
    guest = await world.guest()
    signed_in = await world.sign_in(actor=await world.actor(guest))
    assert signed_in.user.id == registered.user.id
    assert not await world.is_signed_in(guest), "nothing more can be done under the guest's id"
    assert await world.is_signed_in(registered)
    assert await world.events("GuestSignedIn") == [{"userId": str(registered.user.id), "guestId": str(guest.user.id)}]


async def test_a_guest_with_a_wrong_password_brings_nothing(world: World) -> None:
    await world.register()
    guest = await world.guest()
    with pytest.raises(BadCredentials):
        await world.sign_in(password="wrong password", actor=await world.actor(guest))
    assert await world.events("GuestSignedIn") == []


async def test_who_is_no_guest_brings_nothing(world: World) -> None:
    registered = await world.register()
    await world.sign_in(actor=await world.actor(registered))
    assert await world.events("GuestSignedIn") == []


async def test_a_closed_account_says_so_only_to_who_knows_the_password(world: World) -> None:
    user = (await world.register()).user
    await world.run(world.cases.disable_user, DisableUser(actor=SYSTEM, user_id=user.id))
    sessions = await world.count("user_sessions")
    with pytest.raises(AccountDisabled):
        await world.sign_in()
    with pytest.raises(BadCredentials):
        await world.sign_in(password="wrong password")
    assert await world.count("user_sessions") == sessions
    await world.run(world.cases.enable_user, EnableUser(actor=SYSTEM, user_id=user.id))
    assert await world.sign_in()


async def test_an_old_hash_is_made_anew(world: World) -> None:
    await world.register()
    world.hasher.generation = 2
    await world.sign_in()
    found = await world.cases.queries.credentials_by_email("wei@example.com")
    assert found is not None
    assert found.password_hash == f"2:{PASSWORD}"
    hashed = len(world.hasher.hashed)
    await world.sign_in()
    assert len(world.hasher.hashed) == hashed


class Meddling(FakeHasher):
    """Lets something happen while it verifies."""

    def __init__(self, world: World, command: SetPassword) -> None:
        super().__init__()
        self.world, self.command = world, command

    async def verify(self, encoded: str | None, password: str) -> bool:
        handler = self.world.cases.set_password
        async with handler.uow() as tx:
            (await tx.users.get(self.command.user_id)).set_password(f"1:{self.command.password}")
        return await super().verify(encoded, password)


async def test_a_password_that_changes_meanwhile_is_the_wrong_one(world: World) -> None:
    registered = await world.register()
    meddling = Meddling(world, SetPassword(actor=SYSTEM, user_id=registered.user.id, password="another password"))
    sign_in = SignIn(
        actor=await world.actor(registered), email="wei@example.com", password=PASSWORD, address="192.0.2.9"
    )
    with pytest.raises(BadCredentials):
        await world.run(msgspec.structs.replace(world.cases.sign_in, passwords=meddling), sign_in)
    assert await world.count("user_sessions") == 1


async def test_a_change_of_password_that_was_overtaken_is_refused(world: World) -> None:
    registered = await world.register()
    meddling = Meddling(world, SetPassword(actor=SYSTEM, user_id=registered.user.id, password="another password"))
    change = ChangePassword(
        actor=await world.actor(registered), current=PASSWORD, new="my own new password", address="192.0.2.9"
    )
    with pytest.raises(CurrentPasswordWrong):
        await world.run(msgspec.structs.replace(world.cases.change_password, passwords=meddling), change)
    assert await world.sign_in(password="another password")
