import asyncio
from typing import Any

import pytest

from caddy_shopping.platform.http import response_cache
from caddy_shopping.platform.http.response_cache import ResponseCache
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.platform.http.toy import SIGNED_IN, TOY, Answer, ask, make_world

PATH = "/api/v1/toys/popular"


class Origin:
    """Answers as told, and counts."""

    def __init__(self, control: str = "public, max-age=60", body: bytes = b"x" * 100, **headers: str) -> None:
        self.calls = 0
        self.control, self.body, self.headers, self.status = control, body, headers, 200
        self.gate: asyncio.Event | None = None
        self.fault: Exception | None = None
        self.asked_with: list[dict[bytes, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        call = self.calls
        self.asked_with.append(dict(scope["headers"]))
        scope["path_template"] = "/{x}"
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        headers = [(b"cache-control", self.control.encode()), (b"etag", b'"1"'), (b"content-length", b"100")]
        headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await send({"type": "http.response.body", "body": self.body[len(half) :] + b"#%d" % call, "more_body": False})


def cached(origin: Any, entries: int = 100, size: int = 1_000_000) -> tuple[ResponseCache, Metrics]:
    metrics = Metrics()
    return ResponseCache(origin, metrics, entries=entries, size=size), metrics


async def get(cache: Any, path: str = "/a", **headers: str) -> Answer:
    return await ask(cache, "GET", path, {name.replace("_", "-"): value for name, value in headers.items()})


async def test_a_public_answer_is_fetched_once() -> None:
    origin = Origin()
    cache, metrics = cached(origin)
    first, again = await get(cache), await get(cache)
    assert origin.calls == 1
    assert again.body == first.body
    assert again.headers == {**first.headers, "age": "0"}
    assert metrics.registry.get_sample_value("http_response_cache_total", {"result": "hit"}) == 1
    assert metrics.registry.get_sample_value("http_response_cache_total", {"result": "miss"}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"path": "/a"}, {"path": "/b"}),
        ({"path": "/a?x=1"}, {"path": "/a?x=2"}),
        ({"accept_language": "en"}, {"accept_language": "zh"}),
        ({"accept_encoding": "gzip"}, {"accept_encoding": "br"}),
    ],
)
async def test_what_differs_is_kept_apart(one: dict[str, str], other: dict[str, str]) -> None:
    origin = Origin()
    cache, _ = cached(origin)
    assert (await get(cache, **one)).body != (await get(cache, **other)).body
    assert origin.calls == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"accept_language": "en"}, {"accept_language": "fr-FR, en;q=0.3"}),
        ({"accept_encoding": "gzip"}, {"accept_encoding": "gzip, deflate"}),
        ({}, {"authorization": "Bearer good"}),
        ({}, {"cache_control": "no-cache"}),
    ],
)
async def test_what_makes_no_difference_is_shared(one: dict[str, str], other: dict[str, str]) -> None:
    origin = Origin()
    cache, _ = cached(origin)
    assert (await get(cache, **one)).body == (await get(cache, **other)).body
    assert origin.calls == 1


@pytest.mark.parametrize(
    "origin",
    [
        Origin("private, max-age=60"),
        Origin("no-store"),
        Origin("public"),
        Origin("max-age=60"),
        Origin(set_cookie="a=b"),
        Origin(vary="Accept-Encoding, Authorization"),
        Origin(vary="*"),
        Origin(body=b"x" * 200_000),
    ],
)
async def test_what_is_not_for_everybody_is_never_kept(origin: Origin) -> None:
    cache, _ = cached(origin)
    bodies = {(await get(cache)).body for _ in range(3)}
    assert origin.calls == len(bodies) == 3


async def test_failures_are_not_kept() -> None:
    origin = Origin()
    origin.status = 500
    cache, _ = cached(origin)
    await get(cache)
    origin.status = 200
    assert (await get(cache)).status == 200
    assert origin.calls == 2


async def test_other_methods_pass() -> None:
    origin = Origin()
    cache, _ = cached(origin)
    for _ in range(2):
        await ask(cache, "POST", "/a")
    assert origin.calls == 2


async def test_order_in_cache_control_does_not_matter() -> None:
    origin = Origin("max-age=60, public")
    cache, _ = cached(origin)
    await get(cache)
    await get(cache)
    assert origin.calls == 1


async def test_an_answer_ages_and_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(response_cache, "monotonic", lambda: now[0])
    origin = Origin()
    cache, _ = cached(origin)
    await get(cache)
    now[0] += 59
    assert (await get(cache)).headers["age"] == "59"
    now[0] += 1
    assert "age" not in (await get(cache)).headers
    assert origin.calls == 2


async def test_clearing_makes_the_next_request_fetch() -> None:
    origin = Origin()
    cache, _ = cached(origin)
    first = await get(cache)
    cache.clear()
    assert (await get(cache)).body != first.body


async def test_what_was_being_fetched_when_the_cache_was_cleared_is_not_kept() -> None:
    origin = Origin()
    cache, _ = cached(origin)
    await get(cache)
    cache.clear()
    origin.gate = asyncio.Event()
    old = asyncio.create_task(get(cache))
    await asyncio.sleep(0)
    cache.clear()
    new = asyncio.create_task(get(cache))
    await asyncio.sleep(0)
    origin.gate.set()
    before, after = await asyncio.gather(old, new)
    assert before.body != after.body, "who asks after the change must not get the answer from before it"
    assert (await get(cache)).body == after.body


async def test_one_fetches_and_the_others_wait_for_it() -> None:
    origin = Origin()
    cache, metrics = cached(origin)
    await get(cache)
    cache.clear()
    origin.gate = asyncio.Event()
    tasks = [asyncio.create_task(get(cache, if_none_match='"1"' if n % 3 == 0 else "")) for n in range(30)]
    await asyncio.sleep(0)
    origin.gate.set()
    answers = await asyncio.gather(*tasks)
    assert origin.calls == 2
    assert {answer.status for answer in answers} == {200, 304}
    assert metrics.registry.get_sample_value("http_response_cache_total", {"result": "shared"}) == 29


async def test_unknown_paths_do_not_wait_for_each_other() -> None:
    origin = Origin("private")
    cache, _ = cached(origin)
    origin.gate = asyncio.Event()
    tasks = [asyncio.create_task(get(cache)) for _ in range(3)]
    await asyncio.sleep(0)
    assert origin.calls == 3
    origin.gate.set()
    await asyncio.gather(*tasks)


async def test_when_the_one_fails_the_others_ask_for_themselves() -> None:
    origin = Origin()
    cache, _ = cached(origin)
    await get(cache)
    cache.clear()
    origin.gate, origin.fault = asyncio.Event(), RuntimeError("broken")
    tasks = [asyncio.create_task(get(cache)) for _ in range(3)]
    await asyncio.sleep(0)
    origin.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, RuntimeError) for result in results)
    origin.fault = None
    assert (await get(cache)).status == 200, "nothing is left locked"


async def test_when_the_one_hangs_up_the_others_are_served() -> None:
    origin = Origin()
    cache, _ = cached(origin)
    await get(cache)
    cache.clear()
    origin.gate = asyncio.Event()
    loader, waiter = asyncio.create_task(get(cache)), asyncio.create_task(get(cache))
    await asyncio.sleep(0)
    loader.cancel()
    await asyncio.sleep(0)
    origin.gate.set()
    assert (await waiter).status == 200


async def test_a_path_that_stops_being_public_is_answered_all_the_same() -> None:
    origin = Origin()
    cache, _ = cached(origin)
    await get(cache)
    cache.clear()
    origin.status, origin.control = 404, "no-store"
    assert (await get(cache)).status == 404
    assert (await get(cache, if_none_match='"1"')).status == 404


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "*", '"0", "1"'])
async def test_the_cache_says_304_by_itself(tag: str) -> None:
    origin = Origin(content_type="text/plain")
    cache, _ = cached(origin)
    await get(cache)
    answer = await get(cache, if_none_match=tag)
    assert (answer.status, answer.body, origin.calls) == (304, b"", 1)
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers.keys().isdisjoint({"content-length", "content-type"})
    assert (await get(cache, if_none_match='"2"')).status == 200


async def test_a_conditional_miss_fetches_the_whole_answer_to_keep_it() -> None:
    origin = Origin()
    cache, _ = cached(origin)
    await get(cache)
    cache.clear()
    assert (await get(cache, if_none_match='"1"')).status == 304
    assert b"if-none-match" not in origin.asked_with[-1]
    assert (await get(cache)).status == 200
    assert origin.calls == 2


async def test_the_least_recently_used_goes_first() -> None:
    origin = Origin()
    cache, _ = cached(origin, entries=2)
    for path in ("/a", "/b", "/a", "/c"):
        await get(cache, path)
    assert origin.calls == 3
    await get(cache, "/a")
    assert origin.calls == 3
    await get(cache, "/b")
    assert origin.calls == 4


async def test_the_size_is_bounded_too() -> None:
    origin = Origin(body=b"x" * 1000)
    cache, _ = cached(origin, size=10_000)
    for number in range(20):
        await get(cache, f"/{number}")
    assert cache._used <= 10_000
    assert 0 < len(cache._entries) < 20
    await get(cache, "/0")
    assert origin.calls == 21


async def test_nothing_is_kept_where_there_is_no_room() -> None:
    origin = Origin()
    cache, _ = cached(origin, entries=0)
    await get(cache)
    await get(cache)
    assert origin.calls == 2


async def test_memory_of_public_paths_is_bounded() -> None:
    cache, _ = cached(Origin(), entries=2)
    for number in range(50):
        await get(cache, f"/{number}")
    assert len(cache._public) <= 8


async def test_a_hit_in_the_application_still_has_id_metrics_and_no_rate_limit() -> None:
    world = make_world()
    answers = [await world("GET", PATH, SIGNED_IN) for _ in range(3)]
    assert world.use_cases.queries.reads == 1
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    assert answers[2].headers["x-content-type-options"] == "nosniff"
    assert world.count("http_requests_total", method="GET", route=PATH, status_code="200") == 3
    assert (await world("HEAD", PATH)).body == b""
    assert world.use_cases.queries.reads == 1
    world.app.cache.clear()
    await world("GET", PATH)
    assert world.use_cases.queries.reads == 2


async def test_answers_for_one_caller_are_never_kept() -> None:
    world = make_world()
    for _ in range(2):
        await world("GET", TOY)
    assert world.count("http_response_cache_total", result="hit") == 0
