"""From named errors to answers: the only place that knows which HTTP status an error has (RFC 9457)."""

import inspect
import math
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec

from caddy_shopping.kernel.errors import Detail, Kind, ShopError
from caddy_shopping.kernel.languages import negotiate
from caddy_shopping.platform.execution import Rendered
from caddy_shopping.platform.http.errors import (
    MethodNotAllowed,
    RequestInvalid,
    UnsupportedMediaType,
    UriTooLong,
)
from caddy_shopping.platform.security.tokens import TokenExpired, TokenInvalid
from caddy_shopping.platform.telemetry.trace import request_id

PROBLEM = "application/problem+json"
ERRORS_PAGE = "/api/docs/errors"

_STATUS = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.PRECONDITION_FAILED: 412,
    Kind.PRECONDITION_REQUIRED: 428,
    Kind.TOO_LARGE: 413,
    Kind.RATE_LIMITED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.BROKEN: 500,
}
# Faults of the request's form, which HTTP tells apart and the kernel need not.
_STATUS_OF_CODE = {
    MethodNotAllowed.code: 405,
    UriTooLong.code: 414,
    UnsupportedMediaType.code: 415,
    "IDEMPOTENCY_KEY_MISSING": 400,
    "CURSOR_INVALID": 400,
}
# The words of RFC 9110 §15, which Python knows since 3.13 only.
_PHRASES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}


class ErrorResponse(msgspec.Struct, frozen=True, rename="camel"):
    """Every answer that is a refusal or a fault: `application/problem+json` (RFC 9457).

    `code` is stable and listed at `type`; `message` is for people, in the language that they asked for
    (`en`, `zh`); `detail` is the same in English. `retryable` says that the same request may succeed later.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    message: str
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    path: str
    method: str
    request_id: str
    errors: list[Detail]
    retryable: bool
    stack: str | msgspec.UnsetType = msgspec.UNSET


def status_of(error: ShopError | type[ShopError]) -> int:
    """The HTTP status of a named error."""
    special = _STATUS_OF_CODE.get(error.code)
    if special is not None:
        return special
    kind = error if isinstance(error, type) else type(error)
    return 400 if issubclass(kind, RequestInvalid) else _STATUS[error.kind]


def phrase(status: int) -> str:
    """An HTTP status in words, the same under every version of Python."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def header_of(scope: Mapping[str, Any], name: bytes) -> str | None:
    """The first header called `name` (lower case) of an ASGI scope."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def render_problem(error: ShopError, scope: Mapping[str, Any], fault: BaseException | None = None) -> Rendered:
    """The answer for `error` to the request of an ASGI scope. `fault`, given in development only, adds its stack."""
    status = status_of(error)
    path = _printable(scope.get("asked_path") or scope["path"])
    problem = ErrorResponse(
        type=f"{ERRORS_PAGE}#{error.code}",
        title=phrase(status),
        status=status,
        detail=_printable(error.message("en")),
        instance=path,
        code=error.code,
        message=_printable(error.message(negotiate(header_of(scope, b"accept-language")))),
        timestamp=datetime.now(UTC),
        path=path,
        method=scope.get("asked_method") or scope["method"],
        request_id=request_id() or "",
        errors=list(error.details),
        retryable=error.retryable,
        stack=msgspec.UNSET if fault is None else _printable("".join(traceback.format_exception(fault))),
    )
    return Rendered(status, _headers(error, status), msgspec.json.encode(problem))


_CHALLENGE = 'Bearer error="invalid_token"'
"""A token was sent and is no good, or not any more (RFC 6750 §3.1)."""


def _headers(error: ShopError, status: int) -> dict[str, str]:
    headers = {"content-type": PROBLEM, "cache-control": "no-store", "vary": "Accept-Language"}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    elif status == 503:
        headers["retry-after"] = "1"
    if status == 401:
        headers["www-authenticate"] = _CHALLENGE if isinstance(error, (TokenInvalid, TokenExpired)) else "Bearer"
    elif status == 405:
        headers["allow"] = str(error.params.get("allow", ""))
    return headers


def _printable(text: str) -> str:
    """`text` as valid UTF-8: what came in through a URL may be no Unicode at all."""
    return text.encode("utf-8", "replace").decode()


class ErrorEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One line of the list of error codes."""

    code: str
    status: int
    kind: str
    retryable: bool
    en: str
    zh: str
    description: str


def catalogue() -> list[ErrorEntry]:
    """Every error code of the code that is loaded, by status and code."""
    found: dict[str, ErrorEntry] = {}
    waiting: list[type[ShopError]] = [ShopError]
    package = __name__.partition(".")[0]
    while waiting:
        error = waiting.pop()
        waiting.extend(error.__subclasses__())
        if error.__module__.partition(".")[0] == package and error.code not in found:
            found[error.code] = catalogue_entry(error)
    return sorted(found.values(), key=lambda entry: (entry.status, entry.code))


def catalogue_entry(error: type[ShopError]) -> ErrorEntry:
    """What the list of error codes says about one."""
    text = inspect.cleandoc(vars(error).get("__doc__") or "").partition("\n\n")[0]
    return ErrorEntry(
        error.code, status_of(error), error.kind, error.retryable, error.en, error.zh, " ".join(text.split())
    )
