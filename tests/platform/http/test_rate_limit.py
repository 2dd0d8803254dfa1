from typing import Any

import pytest

from caddy_shopping.platform.http import rate_limit
from caddy_shopping.platform.http.rate_limit import READS, WRITES, MemoryLimiter, RateLimit, Rule
from tests.platform.http.toy import Answer, a_scope, ask, make_world

SIGN_IN = Rule("sign-in", 3, 60, WRITES, ("/auth/",), by_token=False)
WRITING = Rule("writes", 5, 10, WRITES, ("/",))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(rate_limit, "monotonic", lambda: now[0])
    return now


class Inner:
    calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"1"')]})
            await send({"type": "http.response.body", "body": b"ok", "more_body": False})


def limited(*rules: Rule) -> tuple[RateLimit, Inner]:
    inner = Inner()
    return RateLimit(inner, rules or (SIGN_IN, WRITING), MemoryLimiter(), known), inner


def known(token: str) -> str | None:
    """Tokens of one letter are ours."""
    return f"user {token}" if len(token) == 1 else None


async def post(app: Any, path: str = "/auth/login", **headers: str) -> Answer:
    return await ask(app, "POST", path, headers)


async def test_up_to_the_limit_requests_pass_and_say_how_many_remain(clock: list[float]) -> None:
    app, inner = limited()
    left = [(await post(app)).headers["ratelimit"] for _ in range(3)]
    assert left == ['"sign-in";r=2;t=20', '"sign-in";r=1;t=40', '"sign-in";r=0;t=60']
    answer = await post(app)
    assert (answer.status, answer.code) == (429, "RATE_LIMITED")
    assert answer.headers["ratelimit-policy"] == '"sign-in";q=3;w=60'
    assert answer.headers["ratelimit"] == '"sign-in";r=0;t=20'
    assert answer.headers["retry-after"] == "20"
    assert answer.json["retryable"] is True
    assert inner.calls == 3, "what is refused costs the application nothing"


async def test_room_comes_back_with_time_and_not_before(clock: list[float]) -> None:
    app, _ = limited()
    for _ in range(3):
        await post(app)
    clock[0] += 19.9
    assert (await post(app)).status == 429
    clock[0] += 0.2
    assert (await post(app)).status == 200
    assert (await post(app)).status == 429
    clock[0] += 60
    assert [(await post(app)).status for _ in range(4)] == [200, 200, 200, 429]


async def test_who_asks_in_time_is_never_refused(clock: list[float]) -> None:
    app, _ = limited()
    for _ in range(100):
        clock[0] += 20
        assert (await post(app)).status == 200


async def test_classes_are_counted_apart_and_the_first_that_fits_counts(clock: list[float]) -> None:
    app, _ = limited()
    for _ in range(4):
        await post(app)
    assert [(await post(app, "/orders")).status for _ in range(6)] == [200] * 5 + [429]


async def test_signed_in_callers_are_counted_apart_but_not_where_tokens_are_made(clock: list[float]) -> None:
    app, _ = limited()
    for token in "abcdef":
        assert (await post(app, "/orders", authorization=f"Bearer {token}")).status == 200
    statuses = [(await post(app, "/auth/login", authorization=f"Bearer {token}")).status for token in "abcd"]
    assert statuses == [200, 200, 200, 429]


async def test_an_invented_token_buys_no_fresh_count(clock: list[float]) -> None:
    app, _ = limited()
    statuses = [(await post(app, "/orders", authorization=f"Bearer invented{n}")).status for n in range(6)]
    assert statuses == [200] * 5 + [429]


async def test_addresses_are_counted_apart(clock: list[float]) -> None:
    app, inner = limited()

    async def from_address(client: Any) -> None:
        async def send(message: Any) -> None: ...

        async def receive() -> Any: ...

        await app({**a_scope("POST", "/auth/login"), "client": client}, receive, send)

    for client in (("192.0.2.1", 1), ("192.0.2.2", 1), None):
        for _ in range(4):
            await from_address(client)
    assert inner.calls == 9


async def test_what_no_rule_fits_is_free_and_bears_no_headers(clock: list[float]) -> None:
    app, inner = limited()
    for _ in range(20):
        answer = await ask(app, "GET", "/auth/login")
    assert inner.calls == 20
    assert "ratelimit" not in answer.headers
    await app({"type": "lifespan"}, None, None)  # type: ignore[arg-type]


async def test_reads_may_be_limited_as_well(clock: list[float]) -> None:
    app, _ = limited(Rule("reads", 1, 60, READS, ("/",)))
    assert [(await ask(app, "GET", "/x")).status for _ in range(2)] == [200, 429]


async def test_memory_is_bounded(clock: list[float]) -> None:
    limiter = MemoryLimiter(most_callers=10)
    for number in range(100):
        await limiter.take(str(number), SIGN_IN)
    assert len(limiter._full_again) == 10


async def test_in_the_application() -> None:
    rules = (Rule("toys", 2, 60, WRITES, ("/api/v1/toys",), by_token=False),)
    world = make_world(rules=rules)
    body = {"name": "duck"}
    answers = [await world("POST", "/api/v1/toys/plain", json=body) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["x-request-id"]

    assert world.count("http_requests_total", method="POST", route="unmatched", status_code="429") == 1
    unlimited = make_world(rules=rules, settings={"rate_limits": False})
    assert [(await unlimited("POST", "/api/v1/toys/plain", json=body)).status for _ in range(3)] == [200] * 3


async def test_a_doubled_slash_goes_round_no_rule() -> None:
    world = make_world(rules=(Rule("toys", 1, 60, WRITES, ("/api/v1/toys",), by_token=False),))
    for path in ("//api/v1/toys/plain", "/api//v1/toys/plain", "/api/v1//toys/plain"):
        answer = await world("POST", path, json={"name": "duck"})
        assert (answer.status, answer.code) == (404, "ROUTE_NOT_FOUND")
