from typing import Any

import pytest

from tests.platform.http.toy import TOY, World, make_world

HOME = "https://shop.example"
PREFLIGHT = {
    "origin": HOME,
    "access-control-request-method": "POST",
    "access-control-request-headers": "idempotency-key",
}


@pytest.fixture
def world() -> World:
    return make_world(settings={"cors_origins": (HOME, "https://admin.example")})


async def test_an_allowed_origin_may_read_answers(world: World) -> None:
    headers = (await world("GET", TOY, {"origin": HOME})).headers
    assert headers["access-control-allow-origin"] == HOME
    assert "Origin" in headers["vary"]
    for name in ("X-Request-Id", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"):
        assert name in headers["access-control-expose-headers"].split(", ")
    assert "access-control-allow-credentials" not in headers


async def test_errors_can_be_read_too(world: World) -> None:
    assert (await world("GET", "/nowhere", {"origin": HOME})).headers["access-control-allow-origin"] == HOME


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://shop.example.evil.example", HOME + ":8443"]
)
async def test_another_origin_may_not(world: World, origin: Any) -> None:
    answer = await world("GET", TOY, {"origin": origin})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"]
    preflight = await world("OPTIONS", TOY, {**PREFLIGHT, "origin": origin})
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-headers" not in preflight.headers


async def test_a_preflight_is_answered_without_the_application(world: World) -> None:
    answer = await world("OPTIONS", "/anywhere", PREFLIGHT)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == HOME
    assert answer.headers["access-control-allow-headers"] == (
        "Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, "
        "X-Requested-With, X-Request-Id, X-Trace-Id"
    )
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-max-age"] == "600"


async def test_a_star_lets_all_in(world: World) -> None:
    open_world = make_world(settings={"cors_origins": "*"})
    headers = (await open_world("GET", TOY, {"origin": "https://any.example"})).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "Origin" not in headers.get("vary", "")


async def test_nothing_is_allowed_unless_configured() -> None:
    world = make_world()
    assert "access-control-allow-origin" not in (await world("GET", TOY, {"origin": HOME})).headers
    answer = await world("OPTIONS", TOY, PREFLIGHT)
    assert "access-control-allow-origin" not in answer.headers


async def test_without_an_origin_there_is_no_cors(world: World) -> None:
    assert "access-control-allow-origin" not in (await world("GET", TOY)).headers
    assert (await world("OPTIONS", "/x", {"access-control-request-method": "GET"})).status == 204
