import asyncio
import re
from typing import Any

import pytest

from caddy_shopping.kernel.errors import Conflict
from caddy_shopping.platform.http import edge
from caddy_shopping.platform.http.edge import Edge
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.telemetry import trace
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.platform.http.toy import TOY, World, a_scope, ask, make_world

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def world() -> World:
    return make_world()


def bare(app: Any, **settings: Any) -> Edge:
    return Edge(app, HttpSettings(**{"access_log": "off", **settings}), Metrics(), ("/upload/",))


async def fine(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine", "more_body": False})


async def reading(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await fine(scope, receive, send)


async def test_every_answer_has_a_request_id_of_its_own(world: World) -> None:
    ids = {(await world("GET", path)).headers["x-request-id"] for path in (TOY, TOY, "/nowhere", "/api/v1/toys")}
    assert len(ids) == 4
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


@pytest.mark.parametrize("given", ["abc", "A.b_c-9", "x" * 64])
async def test_a_sane_request_id_is_kept_and_shows_in_problems(world: World, given: Any) -> None:
    answer = await world("GET", "/nowhere", {"x-request-id": given})
    assert answer.headers["x-request-id"] == given == answer.json["requestId"]


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "käse", "<script>"])
async def test_an_odd_request_id_is_replaced(world: World, given: Any) -> None:
    answer = await world("GET", TOY, {"x-request-id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_who_is_under_way_can_be_cut_short() -> None:
    waiting = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        waiting.set()
        await asyncio.Event().wait()

    outermost = bare(endless)
    request = asyncio.create_task(ask(outermost, "GET", "/"))
    await waiting.wait()
    assert outermost.under_way == {request}
    for task in outermost.under_way:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert not outermost.under_way


async def test_a_trace_goes_on_with_a_new_span() -> None:
    seen: list[trace.Trace] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        now = trace.current.get()
        assert now is not None
        seen.append(now)
        await fine(scope, receive, send)

    await ask(bare(app), "GET", "/", {"traceparent": PARENT})
    assert seen[0].traceparent.startswith(PARENT[:36])
    assert seen[0].traceparent != PARENT
    assert seen[0].traceparent.endswith("-01")
    assert trace.current.get() is None, "nothing is left behind"
    for bad in ("", "00-" + "0" * 32 + PARENT[35:], "01" + PARENT[2:], PARENT.upper(), PARENT + "-x"):
        await ask(bare(app), "GET", "/", {"traceparent": bad})
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", seen[-1].traceparent)
        assert PARENT[3:35] not in seen[-1].traceparent
    assert seen[-1].traceparent[3:35] == seen[-1].request_id, "one number serves as both"


@pytest.mark.parametrize("path", [TOY, "/nowhere", "/api/health", "/api/docs"])
async def test_security_headers_are_on_every_answer(world: World, path: Any) -> None:
    headers = (await world("GET", path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert ("script-src 'self'" in headers["content-security-policy"]) == (path == "/api/docs")
    assert "unsafe" not in headers["content-security-policy"]
    assert "strict-transport-security" not in headers


async def test_hsts_is_sent_only_when_asked_for() -> None:
    answer = await ask(bare(fine, hsts_seconds=600), "GET", "/")
    assert answer.headers["strict-transport-security"] == "max-age=600; includeSubDomains"


async def test_what_says_nothing_of_caches_is_private(world: World) -> None:
    assert (await world("GET", "/api/v1/toys")).headers["cache-control"] == "private, no-cache"
    assert (await world("GET", "/nowhere")).headers["cache-control"] == "no-store"


async def test_a_body_up_to_the_limit_is_taken() -> None:
    answer = await ask(bare(reading, max_body=10), "POST", "/", body=b"0123456789")
    assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (b"0123456789x", ""),
        ([b"01234", b"56789", b"x"], None),
        ([b"01234", b"56789", b"x"], "5"),
    ],
)
async def test_a_larger_body_is_refused_however_it_comes(body: Any, length: Any) -> None:
    answer = await ask(bare(reading, max_body=10), "POST", "/", body=body, length=length)
    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")


async def test_through_the_whole_application_too() -> None:
    world = make_world(settings={"max_body": 10})
    assert (await world("POST", "/api/v1/toys/raw", body=b"0123456789")).json == {"data": 10}
    chunked = await world(
        "POST", "/api/v1/toys/raw", {"transfer-encoding": "chunked"}, body=[b"0" * 9] * 2, length=None
    )
    assert (chunked.status, chunked.code) == (413, "BODY_TOO_LARGE")
    assert (await world("POST", "/api/v1/toys/raw", body=b"0123456789x")).status == 413


async def test_uploads_have_a_limit_of_their_own() -> None:
    edge = bare(reading, max_body=10, max_upload=20)
    assert (await ask(edge, "POST", "/upload/x", body=b"0" * 20)).status == 200
    assert (await ask(edge, "POST", "/upload/x", body=b"0" * 21)).status == 413
    assert (await ask(edge, "POST", "/other", body=b"0" * 20)).status == 413


@pytest.mark.parametrize("length", ["3", "5", "-1", "abc", "1e1", "99999999999999999999"])
async def test_a_content_length_that_lies_is_refused(length: Any) -> None:
    answer = await ask(bare(reading), "POST", "/", body=b"0123", length=length)
    assert (answer.status, answer.code) == (400, "REQUEST_INVALID")


async def test_a_get_may_bring_no_oversized_body_either() -> None:
    assert (await ask(bare(reading, max_body=10), "GET", "/", body=b"0" * 11)).status == 413
    headers = {"transfer-encoding": "chunked"}
    assert (await ask(bare(reading, max_body=10), "GET", "/", headers, body=[b"0" * 11], length=None)).status == 413


async def test_what_is_still_being_sent_is_taken_in_so_that_the_refusal_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def left_over(sent: int, length: str | None, limit: int = edge.LINGER_BYTES) -> int:
        monkeypatch.setattr(edge, "LINGER_BYTES", limit)
        body = [b"0" * 10] * sent
        assert (await ask(bare(reading, max_body=15), "POST", "/", body=body, length=length, left=left)).status == 413
        return left.pop()

    left: list[int] = []
    assert await left_over(9, None) == 0
    assert await left_over(9, "90") == 0
    assert await left_over(9, None, limit=30) == 9 - 2 - 3, "within bounds"


async def test_a_caller_who_stops_sending_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "LINGER_SECONDS", 0.01)
    sent = []

    async def receive() -> Any:
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await bare(fine, max_body=10)(a_scope("POST", "/", {"content-length": "11"}), receive, send)
    assert sent[0]["status"] == 413


async def test_a_caller_who_hangs_up_midway_is_no_fault_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    answer = await ask(bare(reading), "POST", "/", body=b"half", length=None, hang_up=True)
    assert (answer.status, answer.code) == (400, "CLIENT_GONE")
    assert capsys.readouterr().out == ""


async def test_hanging_up_after_the_body_is_heard_by_the_application() -> None:
    heard = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        heard.append((await receive())["type"])
        await fine(scope, receive, send)

    await ask(bare(app), "POST", "/", body=b"x")
    assert heard == ["http.disconnect"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/" + "x" * 9000, 414, "URI_TOO_LONG"),
        ("/?q=" + "x" * 9000, 414, "URI_TOO_LONG"),
        ("/a\x00b", 400, "REQUEST_INVALID"),
        ("/?q=a%00b", 400, "REQUEST_INVALID"),
    ],
)
async def test_odd_urls_are_refused(path: Any, status: Any, code: Any) -> None:
    answer = await ask(bare(fine), "GET", path)
    assert (answer.status, answer.code) == (status, code)


async def test_faults_that_nobody_caught_become_a_500(capsys: pytest.CaptureFixture[str]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("nobody caught me")

    answer = await ask(bare(app), "GET", "/")
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    assert b"nobody" not in answer.body
    assert "nobody caught me" in capsys.readouterr().out


async def test_a_named_error_that_nobody_caught_keeps_its_status() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise Conflict()

    assert (await ask(bare(app), "GET", "/")).status == 409


@pytest.mark.parametrize("fault", [RuntimeError("late"), Conflict()])
async def test_once_an_answer_has_begun_the_connection_is_broken_off(fault: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise fault

    with pytest.raises(type(fault)):
        await ask(bare(app), "GET", "/")


async def test_requests_are_counted_by_route_template(world: World) -> None:
    await world("GET", TOY)
    await world("GET", TOY.replace("91", "92"))
    await world("HEAD", TOY)
    await world("GET", "/nowhere")
    await world("GET", "/elsewhere")
    await world("BREW", "/pot")
    template = "/api/v1/toys/{toy_id}"
    assert world.count("http_requests_total", method="GET", route=template, status_code="200") == 2
    assert world.count("http_requests_total", method="HEAD", route=template, status_code="200") == 1
    assert world.count("http_requests_total", method="GET", route="unmatched", status_code="404") == 2
    assert world.count("http_requests_total", method="OTHER", route="unmatched", status_code="404") == 1
    assert world.count("http_request_duration_seconds_count", method="GET", route=template) == 2


async def test_the_log_names_failures_and_slowness_only(capsys: pytest.CaptureFixture[str]) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    await ask(bare(fine, access_log="problems"), "GET", "/fine")
    assert capsys.readouterr().out == ""
    await ask(bare(broken, access_log="problems"), "GET", "/broken", {"x-request-id": "r-1"})
    out = capsys.readouterr().out
    assert "/broken" in out
    assert "r-1" in out
    await ask(bare(fine, access_log="problems", slow_request=1e-9), "GET", "/slow")
    assert "/slow" in capsys.readouterr().out
    await ask(bare(fine, access_log="all"), "GET", "/fine")
    assert "/fine" in capsys.readouterr().out
    await ask(bare(broken, access_log="off"), "GET", "/broken")
    assert capsys.readouterr().out == ""


async def test_the_callers_address_is_what_our_proxy_saw() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])
        await fine(scope, receive, send)

    forwarded = {"x-forwarded-for": "6.6.6.6, 203.0.113.9"}
    await ask(bare(app), "GET", "/", forwarded)
    await ask(bare(app, trusted_proxies=1), "GET", "/", forwarded)
    await ask(bare(app, trusted_proxies=1), "GET", "/")
    await ask(bare(app, trusted_proxies=5), "GET", "/", forwarded)
    assert seen == ["192.0.2.1", "203.0.113.9", "192.0.2.1", "6.6.6.6"]


async def test_lifespan_passes_through() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await bare(app)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]
