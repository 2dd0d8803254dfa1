"""From bytes to a handler: what comes in well, and what is refused before a handler runs."""

from typing import Any

import pytest

from tests.platform.http.toy import SIGNED_IN, TOY, World, make_world

JSON = {"content-type": "application/json"}


@pytest.fixture
def world() -> World:
    return make_world()


async def test_a_valid_body_reaches_the_handler(world: World) -> None:
    answer = await world("POST", "/api/v1/toys/plain", json={"name": "duck", "parts": [{"size": 3}]})
    assert answer.status == 200
    assert answer.json == {"data": {"name": "duck", "parts": [{"size": 3}], "weight": 0}}


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "application/problem+json", "Application/JSON"]
)
async def test_json_may_be_called_by_all_its_names(world: World, media_type: Any) -> None:
    answer = await world("POST", "/api/v1/toys/plain", {"content-type": media_type}, body=b'{"name":"a"}')
    assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        (JSON, b'{"name":"duck","size":"3"}', 400, "VALIDATION_FAILED"),
        (JSON, b'{"name":"duck","weight":"3"}', 400, "VALIDATION_FAILED"),
        (JSON, b'{"name":"duck","weight":99999999999999999999}', 400, "VALIDATION_FAILED"),
        (JSON, b'{"name":"du\\u0000ck"}', 400, "VALIDATION_FAILED"),
        (JSON, b'{"name":', 400, "MALFORMED_JSON"),
        (JSON, b'{"name":NaN}', 400, "MALFORMED_JSON"),
        (JSON, b"", 400, "BODY_MISSING"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"name=duck", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"content-type": "text/plain"}, b'{"name":"duck"}', 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_a_bad_body_is_refused_with_its_reason(
    world: World, headers: Any, body: Any, status: Any, code: Any
) -> None:
    answer = await world("POST", "/api/v1/toys/plain", headers, body=body)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "/query/limit", "TOO_SMALL"),
        ("limit=101", "/query/limit", "TOO_LARGE"),
        ("limit=ten", "/query/limit", "WRONG_TYPE"),
        ("limit=", "/query/limit", "WRONG_TYPE"),
        ("total=perhaps", "/query/total", "WRONG_TYPE"),
        ("cursor=" + "x" * 513, "/query/cursor", "TOO_LONG"),
        ("heavier=99999999999999999999", "/query/heavier", "TOO_LARGE"),
        ("heavier=-9999999999999999999", "/query/heavier", "TOO_LARGE"),
        ("heavier=%39999999999999999999", "/query/heavier", "TOO_LARGE"),
        ("heavier=null", "/query/heavier", "WRONG_TYPE"),
        ("heavier=n%55LL", "/query/heavier", "WRONG_TYPE"),
        ("atMost=-1", "/query/atMost", "TOO_SMALL"),
        ("atMost=x", "/query/atMost", "WRONG_TYPE"),
        ("since=null", "/query/since", "WRONG_TYPE"),
        ("since=0.5", "/query/since", "WRONG_FORMAT"),
        ("since=2026-13-14T09:26:53Z", "/query/since", "WRONG_FORMAT"),
    ],
)
async def test_a_bad_query_is_refused_with_its_place(world: World, query: Any, pointer: Any, code: Any) -> None:
    answer = await world("GET", f"/api/v1/toys?{query}")
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [(pointer, code)]
    assert world.use_cases.queries.reads == 0


async def test_page_parameters_have_defaults_and_bounds(world: World) -> None:
    assert len((await world("GET", "/api/v1/toys")).json["data"]) == 20
    answer = await world(
        "GET", "/api/v1/toys?limit=3&total=true&heavier=9223372036854775807&word=null&since=2026-03-14T09:26:53Z"
    )
    assert answer.json["page"]["limit"] == 3
    assert answer.json["page"]["hasMore"] is True


async def test_numbers_in_paths_fit_64_bits_too(world: World) -> None:
    assert (await world("GET", "/api/v1/toys/number/9223372036854775807")).status == 200
    assert (await world("GET", "/api/v1/toys/number/9223372036854775808")).code == "ROUTE_NOT_FOUND"


async def test_details_are_chinese_for_chinese_callers(world: World) -> None:
    answer = await world("GET", "/api/v1/toys?limit=0", {"accept-language": "zh"})
    assert answer.json["errors"][0]["message"] == "数值过小。"


@pytest.mark.parametrize("path", ["/api/v2/toys", "/api/v1/toys/not-a-uuid", "/", "/api/docs/nothing.js"])
async def test_an_unknown_path_is_a_404_problem(world: World, path: Any) -> None:
    answer = await world("GET", path)
    assert (answer.status, answer.code) == (404, "ROUTE_NOT_FOUND")
    assert answer.json["path"] == path


async def test_an_unknown_method_is_a_405_that_lists_the_known(world: World) -> None:
    answer = await world("PUT", "/api/v1/toys")
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_lists_all_methods_of_a_path_without_signing_in(world: World) -> None:
    answer = await world("OPTIONS", "/api/v1/toys")
    assert (answer.status, answer.headers["allow"], answer.body) == (204, "GET, HEAD, OPTIONS, POST", b"")
    assert (await world("OPTIONS", "/nowhere")).status == 404


async def test_a_named_error_keeps_its_code(world: World) -> None:
    answer = await world("GET", "/api/v1/toys/00000000-0000-0000-0000-000000000000")
    assert (answer.status, answer.code) == (404, "TOY_NOT_FOUND")
    assert answer.json["message"] == "There is no toy zero."


async def test_a_bug_is_a_500_without_any_detail(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    answer = await world("DELETE", TOY)
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    assert b"hunter2" not in answer.body
    assert "stack" not in answer.json
    assert "the toy broke" in capsys.readouterr().out, "the log has the stack"


async def test_development_shows_the_stack(capsys: pytest.CaptureFixture[str]) -> None:
    answer = await make_world(settings={"development": True})("DELETE", TOY)
    assert "the toy broke" in answer.json["stack"]
    capsys.readouterr()


async def test_a_handlers_own_limit_is_named(world: World) -> None:
    assert (await world("POST", "/api/v1/toys/small", body=b"0123456789")).json == {"data": 10}
    answer = await world("POST", "/api/v1/toys/small", body=b"0123456789x")
    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")
    assert "10 bytes" in answer.json["detail"]


async def test_a_bad_host_is_refused(world: World) -> None:
    answer = await world("GET", "/api/v1/toys", {"host": "a b/c"})
    assert (answer.status, answer.code) == (400, "REQUEST_INVALID")


async def test_signing_in_comes_before_the_body_is_looked_at(world: World) -> None:
    assert (await world("POST", "/api/v1/toys", body=b"nonsense")).status == 401
    assert (await world("POST", "/api/v1/toys", {**SIGNED_IN, **JSON}, body=b"nonsense")).status == 400
