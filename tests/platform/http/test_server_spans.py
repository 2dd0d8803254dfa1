"""What a request leaves in its trace."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from caddy_shopping.platform.http.server_spans import ServerSpans
from caddy_shopping.platform.telemetry import trace
from tests.platform.http.toy import SIGNED_IN, TOY, ask, make_world
from tests.support.collector import Seen
from tests.support.traced import tracing

POPULAR = "/api/v1/toys/popular"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"


async def seen_of(*requests: tuple[Any, ...], **more: Any) -> list[Seen]:
    """The spans of some requests to the application of toys."""
    async with tracing() as traced:
        world = make_world(spans=traced.spans, **more)
        for request in requests:
            await world(*request)
        return await traced.sent()


async def test_a_request_is_a_span_that_is_named_by_its_route() -> None:
    (span,) = await seen_of(("GET", f"{TOY}?email=li.lei@shop.example", SIGNED_IN))
    assert (span.name, span.kind, span.parent, span.failed) == ("GET /api/v1/toys/{toy_id}", "server", "", False)
    assert span.notes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/toys/{toy_id}",
        "http.response.status_code": 200,
        "url.path": TOY,
    }
    assert span.seconds > 0


@pytest.mark.parametrize(
    ("method", "path", "name", "status"),
    [
        ("GET", "/api/v1/li.lei@shop.example", "GET", 404),
        ("GET", "/api/v1/toys/00000000-0000-0000-0000-000000000000", "GET /api/v1/toys/{toy_id}", 404),
        ("GET", "/api/v1/toys/mine", "GET /api/v1/toys/mine", 401),
        ("HEAD", "/api/v1/toys", "HEAD /api/v1/toys", 200),
        ("BREW", "/api/v1/toys", "_OTHER", 405),
        ("OPTIONS", "/api/v1/toys", "OPTIONS", 204),
    ],
)
async def test_what_a_refused_caller_made_up_is_not_told(method: str, path: str, name: str, status: int) -> None:
    (span,) = await seen_of((method, path))
    assert (span.name, span.notes["http.response.status_code"], span.failed) == (name, status, False)
    assert span.notes.get("url.path") == (path if status == 200 else None)


async def test_a_fault_of_ours_is_a_failure() -> None:
    (span,) = await seen_of(("DELETE", TOY))
    assert (span.failed, span.notes["error.type"], span.notes["http.response.status_code"]) == (True, "500", 500)
    assert "hunter2" not in str(span)


async def test_a_caller_who_hangs_up_is_seen() -> None:
    async def gone(scope: Any, receive: Any, send: Any) -> None:
        raise ConnectionResetError

    async with tracing() as traced:
        with pytest.raises(ConnectionResetError):
            await ask(ServerSpans(gone, traced.spans), "GET", TOY)
        (span,) = await traced.sent()
    assert (span.name, span.failed, span.notes["error.type"]) == ("GET", True, "ConnectionResetError")


async def test_an_answer_from_memory_is_a_span_too_and_says_its_trace() -> None:
    async with tracing() as traced:
        world = make_world(spans=traced.spans)
        answers = [await world("GET", POPULAR) for _ in range(3)]
        spans = await traced.sent()
    assert world.count("http_response_cache_total", result="hit") == 2
    assert [span.name for span in spans] == [f"GET {POPULAR}"] * 3
    assert [span.trace for span in spans] == [answer.headers["x-request-id"] for answer in answers]
    assert len({span.trace for span in spans}) == 3


async def test_the_trace_in_logs_is_the_one_that_is_sent() -> None:
    told: list[str | None] = []

    async def authenticate(token: str) -> None:
        told.append(trace.traceparent())

    async with tracing() as traced:
        world = make_world(spans=traced.spans, authenticate=authenticate, settings={"access_log": "all"})
        with capture_logs() as logs:
            answer = await world("GET", f"{POPULAR[:-8]}/mine", {"authorization": "Bearer any"})
        (span,) = await traced.sent()
    assert told == [f"{span.traceparent}-{(told[0] or '')[-2:]}"]
    assert answer.json["requestId"] == answer.headers["x-request-id"] == span.trace
    assert [line["request_id"] for line in logs if line["event"] == "request"] == [span.trace]


async def test_a_trace_that_came_in_goes_on() -> None:
    async with tracing(ratio=0.0) as traced:
        world = make_world(spans=traced.spans)
        answer = await world("GET", TOY, {"traceparent": PARENT + "01", "x-request-id": "mine-1"} | SIGNED_IN)
        other = await world("GET", TOY, {"traceparent": PARENT + "01"} | SIGNED_IN)
        (span, _) = await traced.sent()
    assert f"00-{span.trace}-{span.parent}-" == PARENT
    assert answer.headers["x-request-id"] == "mine-1"
    assert other.headers["x-request-id"] != span.trace, "a trace may have many requests"


@pytest.mark.parametrize("path", [TOY, POPULAR])
@pytest.mark.parametrize(("ratio", "given"), [(1.0, {"traceparent": PARENT + "00"}), (0.0, {})])
async def test_what_is_not_sampled_is_not_sent(ratio: float, given: dict[str, str], path: str) -> None:
    async with tracing(ratio) as traced:
        world = make_world(spans=traced.spans)
        for _ in range(2):
            assert (await world("GET", path, given | SIGNED_IN)).status == 200
        assert await traced.sent() == []


async def test_nobody_wants_to_see_what_machines_ask_for_all_day() -> None:
    assert await seen_of(("GET", "/api/health"), ("GET", "/api/health/ready"), ("GET", "/metrics")) == []


async def test_without_traces_there_is_no_layer() -> None:
    assert not isinstance(make_world().app.entry, ServerSpans)
    async with tracing() as traced:
        assert isinstance(make_world(spans=traced.spans).app.entry, ServerSpans)
