"""What is kept is sent by the edge itself, and comes out as if it had passed all layers."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.platform.http.toy import a_scope, make_world

POPULAR = "/api/v1/toys/popular"
VARIANTS: list[dict[str, str]] = [
    {},
    {"accept-language": "zh"},
    {"accept-encoding": "gzip"},
    {"x-request-id": "mine-1"},
    {"authorization": "Bearer nonsense"},
]
"""What callers send that does not take the long way."""
QUERIES = ["", "?limit=2", "?limit=3", "?limit=2&total=true", "?total=true&limit=2", "?limit=%32"]


def comparable(answer: Any, given: dict[str, str]) -> Any:
    headers = {name: value for name, value in answer.headers.items() if name not in ("age", "x-request-id")}
    assert answer.headers["x-request-id"] == given.get("x-request-id", answer.headers["x-request-id"])
    return answer.status, headers, answer.body


@pytest.mark.parametrize("given", VARIANTS, ids=str)
async def test_a_hit_is_the_same_answer(given: dict[str, str]) -> None:
    world = make_world(settings={"cors_origins": "https://shop.example"})
    first = await world("GET", POPULAR, given)
    hit = await world("GET", POPULAR, given)
    assert hit.headers["age"] == "0"
    assert comparable(hit, given) == comparable(first, given)
    assert hit.headers["content-security-policy"]
    assert world.count("http_response_cache_total", result="hit") == 1
    assert world.count("http_requests_total", method="GET", route=POPULAR, status_code="200") == 2
    assert world.count("http_request_duration_seconds_count", method="GET", route=POPULAR) == 2


async def test_two_hits_have_two_ids() -> None:
    world = make_world()
    ids = {(await world("GET", POPULAR)).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    hostile = await world("GET", POPULAR, {"x-request-id": "a b\n"})
    assert len(hostile.headers["x-request-id"]) == 32


async def test_a_hit_is_logged_as_any_request() -> None:
    world = make_world(settings={"access_log": "all"})
    await world("GET", POPULAR)
    with capture_logs() as logs:
        hit = await world("GET", POPULAR)
    (line,) = [log for log in logs if log["event"] == "request"]
    assert (line["path"], line["status"], line["request_id"]) == (POPULAR, 200, hit.headers["x-request-id"])


async def test_who_has_it_already_takes_the_long_way() -> None:
    world = make_world()
    first = await world("GET", POPULAR)
    answer = await world("GET", POPULAR, {"if-none-match": first.headers["etag"]})
    assert (answer.status, answer.body) == (304, b"")
    assert world.count("http_response_cache_total", result="hit") == 1


async def test_a_page_of_another_origin_gets_its_permission() -> None:
    world = make_world(settings={"cors_origins": "https://shop.example"})
    await world("GET", POPULAR)
    answer = await world("GET", POPULAR, {"origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert world.count("http_response_cache_total", result="hit") == 1


async def test_a_body_that_nobody_wants_is_looked_at_all_the_same() -> None:
    world = make_world()
    await world("GET", POPULAR)
    answer = await world("GET", POPULAR, {"content-length": "nonsense"})
    assert answer.status == 400


async def test_heads_and_other_methods_are_no_hits() -> None:
    world = make_world()
    await world("GET", POPULAR)
    assert (await world("HEAD", POPULAR)).body == b""
    assert (await world("DELETE", POPULAR)).status != 200


async def test_what_is_kept_is_not_changed_by_who_is_sent_it() -> None:
    world = make_world()
    first = await world("GET", POPULAR)
    for method, given in (("HEAD", {}), ("GET", {"if-none-match": first.headers["etag"]}), ("HEAD", {}), ("GET", {})):
        await world(method, POPULAR, given)
    again = await world("GET", POPULAR)
    assert (again.status, again.body) == (200, first.body)
    assert [*again.headers].count("x-request-id") == 1
    assert len(again.headers) == len(first.headers) + 1, "the age alone is new"
    assert "," not in again.headers["x-request-id"] + again.headers["age"], "each is there once"


@pytest.mark.parametrize("query", QUERIES)
async def test_each_query_has_an_answer_of_its_own(query: str) -> None:
    """By its bytes: two that mean the same are kept twice rather than one for the other."""
    world = make_world()
    for each in QUERIES:
        await world("GET", POPULAR + each)
    reads = world.use_cases.queries.reads
    assert reads == len(QUERIES)
    hit = await world("GET", POPULAR + query)
    assert (hit.body, world.use_cases.queries.reads) == ((await make_world()("GET", POPULAR + query)).body, reads)
    assert (await world("GET", f"{POPULAR}?limit=02")).status == 400, "what is refused finds nothing"


async def test_many_queries_take_no_more_room_than_there_is() -> None:
    world = make_world(settings={"cache_entries": 5})
    for number in range(50):
        await world("GET", f"{POPULAR}?nothing={number}")
    assert len(world.app.cache._entries) <= 5


async def test_only_hits_are_not_under_way() -> None:
    during: list[int] = []

    async def asks(method: str, path: str) -> None:
        async def send(message: Any) -> None:
            during.append(len(world.app.under_way))

        await world.app(a_scope(method, path), never, send)

    world = make_world()
    await asks("GET", POPULAR)
    await asks("GET", POPULAR)
    assert during == [1, 1, 0, 0], "a stop waits for the first, and need not for the second"
    assert not world.app.under_way


async def never() -> Any:
    raise AssertionError("nobody reads this")
