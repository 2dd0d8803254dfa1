from typing import Any

import msgspec
import pytest

from caddy_shopping.kernel.errors import (
    Conflict,
    Detail,
    Forbidden,
    Invalid,
    Kind,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    RateLimited,
    ShopError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from caddy_shopping.kernel.paging import CursorInvalid
from caddy_shopping.platform.db.idempotency import IdempotencyKeyMissing, IdempotencyKeyReused, RequestInFlight
from caddy_shopping.platform.http import errors
from caddy_shopping.platform.http.problems import ErrorResponse, catalogue, phrase, render_problem, status_of
from caddy_shopping.platform.security.tokens import TokenInvalid
from caddy_shopping.platform.telemetry.trace import Trace, current
from tests.platform.http.toy import ToyNotFound, a_scope

FIELDS = {
    "type", "title", "status", "detail", "instance", "code", "message",
    "timestamp", "path", "method", "requestId", "errors", "retryable",
}  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid, 422),
        (Unauthenticated, 401),
        (Forbidden, 403),
        (NotFound, 404),
        (Conflict, 409),
        (PreconditionFailed, 412),
        (PreconditionRequired, 428),
        (TooLarge, 413),
        (RateLimited, 429),
        (Unavailable, 503),
        (ShopError, 500),
        (errors.ValidationFailed, 400),
        (errors.MalformedJson, 400),
        (errors.MethodNotAllowed, 405),
        (errors.UriTooLong, 414),
        (errors.UnsupportedMediaType, 415),
        (TokenInvalid, 401),
        (CursorInvalid, 400),
        (IdempotencyKeyMissing, 400),
        (IdempotencyKeyReused, 422),
        (RequestInFlight, 409),
    ],
)
def test_each_error_has_its_status(error: type[ShopError], status: int) -> None:
    assert status_of(error) == status
    assert status_of(error()) == status


def test_no_kind_is_without_a_status() -> None:
    for kind in Kind:
        made = type("Made", (ShopError,), {"kind": kind, "code": "MADE"})
        assert 400 <= status_of(made) < 600


def rendered(
    error: ShopError, fault: BaseException | None = None, headers: dict[str, str] | None = None
) -> tuple[Any, dict[str, str]]:
    answer = render_problem(error, a_scope("GET", "/api/v1/toys/1?x=1", headers), fault)
    msgspec.json.decode(answer.body, type=ErrorResponse)
    return msgspec.json.decode(answer.body), answer.headers


def test_a_problem_has_all_its_fields() -> None:
    token = current.set(Trace("req-1", "00-1-2-01"))
    problem, headers = rendered(ToyNotFound(name="x", details=[Detail("/a", "B", "c")]))
    current.reset(token)
    assert problem.keys() == FIELDS
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store"
    assert problem["type"] == "/api/docs/errors#TOY_NOT_FOUND"
    assert (problem["status"], problem["title"], problem["code"]) == (404, "Not Found", "TOY_NOT_FOUND")
    assert (problem["path"], problem["instance"], problem["method"]) == ("/api/v1/toys/1",) * 2 + ("GET",)
    assert problem["requestId"] == "req-1"
    assert problem["errors"] == [{"pointer": "/a", "code": "B", "message": "c"}]
    assert problem["timestamp"].endswith("Z")


def test_the_message_speaks_the_callers_language_and_the_detail_english() -> None:
    problem, headers = rendered(ToyNotFound(name="x"), headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert problem["message"] == "没有玩具 x。"
    assert problem["detail"] == "There is no toy x."
    assert headers["vary"] == "Accept-Language"


def test_the_stack_is_shown_only_when_asked_for() -> None:
    try:
        raise RuntimeError("deep down")
    except RuntimeError as fault:
        shown, _ = rendered(ShopError(), fault)
        hidden, _ = rendered(ShopError())
    assert "deep down" in shown["stack"]
    assert "stack" not in hidden


def test_retries_are_spread_by_retry_after() -> None:
    assert rendered(RateLimited(seconds=3, retry_after=2.1))[1]["retry-after"] == "3"
    assert rendered(Unavailable())[1]["retry-after"] == "1"
    assert rendered(Unavailable())[0]["retryable"] is True
    assert "retry-after" not in rendered(Conflict())[1]


def test_a_401_says_how_to_authenticate() -> None:
    assert rendered(Unauthenticated())[1]["www-authenticate"] == "Bearer"
    assert rendered(TokenInvalid())[1]["www-authenticate"] == 'Bearer error="invalid_token"'
    assert "www-authenticate" not in rendered(Forbidden())[1]


def test_text_that_is_no_unicode_does_not_break_the_answer() -> None:
    answer = render_problem(errors.RouteNotFound(path="/\udcff"), a_scope("GET", "/\udcff"))
    assert answer.status == 404


def test_the_catalogue_lists_each_code_of_the_code_base_once() -> None:
    codes = [entry.code for entry in catalogue()]
    assert len(codes) == len(set(codes))
    assert {"VALIDATION_FAILED", "NOT_FOUND", "RATE_LIMITED", "INTERNAL_ERROR"} <= set(codes)
    assert "TOY_NOT_FOUND" not in codes, "errors of the tests are none of ours"
    assert all(entry.en and entry.zh for entry in catalogue())


@pytest.mark.parametrize(
    ("status", "words"),
    [(413, "Content Too Large"), (414, "URI Too Long"), (422, "Unprocessable Content"), (404, "Not Found")],
)
def test_statuses_have_the_words_of_rfc_9110_under_every_python(status: int, words: str) -> None:
    assert phrase(status) == words
