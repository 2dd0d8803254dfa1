from typing import Any

import pytest

from caddy_shopping.kernel.actor import Actor
from caddy_shopping.platform.execution import acting
from caddy_shopping.platform.http.auth import bearer_token
from caddy_shopping.platform.security.tokens import TokenExpired, TokenInvalid
from tests.platform.http.toy import SIGNED_IN, TOY, USER, World, make_world


@pytest.fixture
def world() -> World:
    return make_world()


async def test_a_good_token_makes_an_actor(world: World) -> None:
    answer = await world("GET", "/api/v1/toys/mine", SIGNED_IN)
    assert answer.json == {"data": f"{USER} zh"}
    assert world.tokens == ["good"]


async def test_on_whose_behalf_a_request_runs_is_known_to_the_calls_it_makes(world: World) -> None:
    assert acting.get() is None
    await world("GET", "/api/v1/toys/mine", SIGNED_IN)
    actor = acting.get()
    assert actor is not None
    assert (actor.id, actor.language) == (USER, "zh")


async def test_accept_language_goes_before_the_accounts_language(world: World) -> None:
    answer = await world("GET", "/api/v1/toys/mine", {**SIGNED_IN, "accept-language": "en-GB"})
    assert answer.json == {"data": f"{USER} en"}
    same = await world("GET", "/api/v1/toys/mine", {**SIGNED_IN, "accept-language": "zh-TW"})
    assert same.json == {"data": f"{USER} zh"}


@pytest.mark.parametrize("path", ["/api/v1/toys/mine", "/api/v1/toys/guarded"])
async def test_without_a_token_a_protected_route_is_closed(world: World, path: Any) -> None:
    answer = await world("GET", path)
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert world.tokens == []
    assert (await world("GET", path, SIGNED_IN)).status == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic dXNlcjpwdw==", "good", "", "Bearer " + "x" * 9000])
@pytest.mark.parametrize("path", ["/api/v1/toys/mine", TOY])
async def test_a_bad_token_is_refused_even_where_none_is_needed(world: World, header: Any, path: Any) -> None:
    answer = await world("GET", path, {"authorization": header})
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_session_that_ended_opens_no_door_and_closes_no_public_one(world: World) -> None:
    ended = {"authorization": "Bearer bad"}
    assert (await world("GET", "/api/v1/toys/mine", ended)).code == "TOKEN_INVALID"
    assert (await world("GET", TOY, ended)).status == 200
    assert world.tokens == ["bad", "bad"]


async def test_a_token_that_ran_out_is_refused_by_public_routes_too() -> None:
    """It can be refreshed; taken as none, a guest who signs in would lose their cart."""

    async def expired(token: str) -> Actor | None:
        raise TokenExpired()

    answer = await make_world(authenticate=expired)("GET", TOY, SIGNED_IN)
    assert (answer.status, answer.code) == (401, "TOKEN_EXPIRED")


async def test_a_public_route_lets_everybody_in(world: World) -> None:
    assert (await world("GET", TOY)).status == 200
    assert (await world("GET", TOY, SIGNED_IN)).status == 200


async def test_a_route_that_asks_for_nobody_costs_no_look_at_the_token(world: World) -> None:
    assert (await world("GET", "/api/v1/toys", {"authorization": "Bearer bad"})).status == 200
    assert world.tokens == []


async def test_a_fault_while_authenticating_is_no_401(capsys: pytest.CaptureFixture[str]) -> None:
    async def away(token: str) -> Actor | None:
        raise RuntimeError("users is away")

    answer = await make_world(authenticate=away)("GET", "/api/v1/toys/mine", SIGNED_IN)
    assert answer.status == 500
    assert "users is away" in capsys.readouterr().out


def test_the_scheme_is_read_in_any_case() -> None:
    assert bearer_token("bearer  abc ") == "abc"
    assert bearer_token(None) is None
    with pytest.raises(TokenInvalid):
        bearer_token("Token abc")
