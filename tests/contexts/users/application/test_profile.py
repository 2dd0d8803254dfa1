"""What people keep with the shop: name, phone, language, addresses."""

import asyncio

import msgspec
import pytest

from caddy_shopping.contexts.users.application.addresses import AddAddress, ChangeAddress, RemoveAddress
from caddy_shopping.contexts.users.application.change_profile import ChangeProfile
from caddy_shopping.contexts.users.application.views import AddressView
from caddy_shopping.contexts.users.domain.address import AddressDetails
from caddy_shopping.contexts.users.domain.errors import AddressNotFound, TextInvalid, TooManyAddresses
from caddy_shopping.contracts.users import UserNotFound
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import PageRequest
from tests.contexts.users.world import World

DETAILS = AddressDetails(name=" 王伟 ", country="CN", city="深圳市", line1="科技园路 1 号", phone="+86 138 0013 8000")


async def add(world: World, actor: Actor, *, default: bool = False) -> AddressView:
    command = AddAddress(actor=actor, details=DETAILS, is_default=default)
    view: AddressView = await world.run(world.cases.add_address, command)
    return view


async def defaults(world: World, actor: Actor) -> list[bool]:
    found = await world.cases.queries.addresses(actor.user_id, PageRequest())
    return [address.is_default for address in found.items]


async def test_what_is_left_out_stays(world: World) -> None:
    signed_in = await world.register()
    actor = await world.actor(signed_in)
    view = await world.run(world.cases.change_profile, ChangeProfile(actor=actor, name=" Li Lei ", phone="+86 1"))
    assert (view.name, view.phone, view.language) == ("Li Lei", "+86 1", "zh")
    view = await world.run(world.cases.change_profile, ChangeProfile(actor=actor, phone=None, language="en"))
    assert (view.name, view.phone, view.language) == ("Li Lei", None, "en")
    assert view == await world.cases.queries.account(actor.user_id)
    assert view.version > signed_in.user.version


async def test_changing_nothing_moves_no_version(world: World) -> None:
    signed_in = await world.register()
    view = await world.run(world.cases.change_profile, ChangeProfile(actor=await world.actor(signed_in)))
    assert view == signed_in.user


async def test_a_bad_name_changes_nothing(world: World) -> None:
    actor = await world.actor(await world.register())
    before = await world.trace()
    with pytest.raises(TextInvalid):
        await world.run(world.cases.change_profile, ChangeProfile(actor=actor, name="Li\nBcc: all", language="en"))
    assert await world.trace() == before


async def test_who_is_gone_has_no_profile(world: World) -> None:
    with pytest.raises(UserNotFound):
        await world.run(world.cases.change_profile, ChangeProfile(actor=Actor(Role.CUSTOMER, new_id()), name="x"))
    with pytest.raises(UserNotFound):
        await add(world, Actor(Role.CUSTOMER, new_id()))


async def test_one_address_is_the_default(world: World) -> None:
    actor = await world.actor(await world.guest())
    first = await add(world, actor)
    assert first.is_default
    assert first.name == "王伟"
    second = await add(world, actor)
    assert await defaults(world, actor) == [True, False]
    third = await add(world, actor, default=True)
    assert await defaults(world, actor) == [False, False, True]
    prefer_second = ChangeAddress(actor=actor, address_id=second.id, details=DETAILS, is_default=True)
    await world.run(world.cases.change_address, prefer_second)
    assert await defaults(world, actor) == [False, True, False]
    await world.run(world.cases.remove_address, RemoveAddress(actor=actor, address_id=second.id))
    assert await defaults(world, actor) == [True, False]
    await world.run(world.cases.remove_address, RemoveAddress(actor=actor, address_id=third.id))
    await world.run(world.cases.remove_address, RemoveAddress(actor=actor, address_id=first.id))
    assert await defaults(world, actor) == []


async def test_the_default_stays_until_another_is_chosen(world: World) -> None:
    actor = await world.actor(await world.guest())
    first = await add(world, actor)
    moved = msgspec.structs.replace(DETAILS, city="上海市", postal_code="200000")
    command = ChangeAddress(actor=actor, address_id=first.id, details=moved, is_default=False)
    view = await world.run(world.cases.change_address, command)
    assert (view.city, view.postal_code, view.is_default) == ("上海市", "200000", True)
    assert view == await world.cases.queries.address(actor.user_id, first.id)


async def test_addresses_of_others_do_not_exist(world: World) -> None:
    mine, theirs = await world.actor(await world.guest()), await world.actor(await world.guest())
    address = await add(world, theirs)
    before = await world.trace()
    with pytest.raises(AddressNotFound):
        await world.cases.queries.address(mine.user_id, address.id)
    with pytest.raises(AddressNotFound):
        await world.run(world.cases.remove_address, RemoveAddress(actor=mine, address_id=address.id))
    command = ChangeAddress(actor=mine, address_id=address.id, details=DETAILS, is_default=False)
    with pytest.raises(AddressNotFound):
        await world.run(world.cases.change_address, command)
    assert await world.trace() == before


async def test_an_address_book_holds_twenty(world: World) -> None:
    actor = await world.actor(await world.guest())
    await asyncio.gather(*(add(world, actor) for _ in range(20)))
    assert sum(await defaults(world, actor)) == 1
    with pytest.raises(TooManyAddresses):
        await add(world, actor)
    assert await world.count("user_addresses") == 20


async def test_the_address_book_is_paged(world: World) -> None:
    actor = await world.actor(await world.guest())
    added = [await add(world, actor) for _ in range(3)]
    first = await world.cases.queries.addresses(actor.user_id, PageRequest(2, total=True))
    assert (first.items, first.total) == (added[:2], 3)
    second = await world.cases.queries.addresses(actor.user_id, PageRequest(2, first.next_cursor))
    assert (second.items, second.next_cursor, second.total) == (added[2:], None, None)
