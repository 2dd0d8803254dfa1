"""A call over the network means what the same call means in one process."""

from io import BytesIO
from time import monotonic
from uuid import UUID

import aiohttp
import msgspec
import pytest

from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.unit_of_work import UnitOfWorkMisuse
from caddy_shopping.platform.execution import Execution, acting, execution
from caddy_shopping.platform.rpc.rules import deadline
from caddy_shopping.platform.rpc.wire import ACTOR, MAX_BODY, REMAINING, PeerUnavailable, Refusal
from tests.platform.rpc.conftest import Priced, Prices, Shop, SoldOut, calling, tokens


async def test_values_arrive_as_what_they_are(prices: Prices) -> None:
    ids = [new_id(), new_id()]
    assert await prices.price(ids=ids) == [Priced(each, Money(5, "CNY")) for each in ids]
    assert await prices.missing(item=ids[0]) is None


async def test_a_named_error_arrives_as_itself(prices: Prices) -> None:
    with pytest.raises(SoldOut, match="No tea left") as caught:
        await prices.refuse(what="tea")
    error = caught.value
    assert (error.params, error.retry_after, error.details[0].pointer) == ({"what": "tea"}, 7, "/lines/0")
    assert error.message("zh") == "tea 已售罄。"


def test_an_error_that_this_process_does_not_know_counts_and_reads_the_same() -> None:
    there = Refusal.of(SoldOut(what="tea"))
    here = Refusal(**{name: getattr(there, name) for name in there.__struct_fields__} | {"code": "NEVER_HEARD_OF"})
    error = here.error()
    assert isinstance(error, ShopError)
    assert (error.code, error.kind, error.retryable) == ("NEVER_HEARD_OF", SoldOut.kind, False)
    assert (error.message("en"), error.message("zh")) == ("No tea left.", "tea 已售罄。")


async def test_on_whose_behalf_and_by_when_travel_along(prices: Prices, shop: Shop) -> None:
    actor = Actor(Role.STAFF, id=new_id(), permissions=frozenset({"orders:manage"}), email="jürgen@shop.example")
    acting.set(actor)
    await prices.price(ids=[])
    assert shop.actors == [msgspec.structs.replace(actor, email=None)], "an address is nobody's business there"
    assert 1.0 < shop.left[0] <= 2.0
    deadline.set(monotonic() + 0.5)
    await prices.price(ids=[])
    assert 0.0 < shop.left[1] <= 0.5


async def test_a_call_inside_a_unit_of_work_raises(prices: Prices) -> None:
    execution.set(Execution("toy", open_units=1))
    with pytest.raises(UnitOfWorkMisuse):
        await prices.price(ids=[])


async def test_only_our_own_processes_are_let_in(url: str, shop: Shop) -> None:
    async with calling(url, key=b"another installation's key ......") as stranger:
        with pytest.raises(PeerUnavailable):
            await stranger.price(ids=[])
    async with aiohttp.ClientSession() as anyone:
        for path in ("/internal/products/price", "/internal/products/nothing", "/internal/"):
            async with anyone.post(url + path) as answer:
                assert answer.status == 401
        async with anyone.get(url + "/elsewhere") as answer:
            assert answer.status == 404
            assert await answer.text() == "elsewhere"
    assert shop.calls == 0


async def test_a_token_for_another_context_does_not_open_this_one(url: str, shop: Shop) -> None:
    token = tokens("orders").issue("payments")
    async with (
        aiohttp.ClientSession() as caller,
        caller.post(url + "/internal/products/price", headers={"authorization": f"Bearer {token}"}) as answer,
    ):
        assert answer.status == 401
    assert shop.calls == 0


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\x81\xa3ids\x90", {}, 200),  # the control
        (b"not MessagePack", {}, 400),
        (b"\x81\xa3ids\xc4\x00", {}, 400),
        (b"\x80", {}, 400),
        (b"\x81\xa3ids\x90", {ACTOR: "nobody"}, 400),
        (b"\x81\xa3ids\x90", {REMAINING: "soon"}, 200),
        (msgspec.msgpack.encode({"ids": [str(UUID(int=1))] * (MAX_BODY // 38 + 1)}), {}, 400),
    ],
    ids=["good", "no-msgpack", "wrong-type", "missing", "no-actor", "no-number", "too-large"],
)
async def test_what_makes_no_sense_is_refused_before_anybody_is_asked(
    url: str, shop: Shop, body: bytes, headers: dict[str, str], status: int
) -> None:
    said = {"authorization": f"Bearer {tokens('orders').issue('products')}", **headers}
    async with (
        aiohttp.ClientSession() as caller,
        caller.post(url + "/internal/products/price", data=BytesIO(body), headers=said) as answer,
    ):
        assert answer.status == status
    assert shop.calls == (1 if status == 200 else 0)


async def test_who_has_given_up_is_not_worked_for(url: str) -> None:
    said = {"authorization": f"Bearer {tokens('orders').issue('products')}", REMAINING: "50"}
    async with (
        aiohttp.ClientSession() as caller,
        caller.post(url + "/internal/products/dawdle", data=b"\x81\xa7seconds\x3c", headers=said) as answer,
    ):
        assert answer.status == 503


async def test_a_bug_over_there_is_not_available_here(prices: Prices, shop: Shop) -> None:
    with pytest.raises(PeerUnavailable):
        await prices.fail()
    assert shop.calls > 1
