"""Whatever was raised while a request was answered, turned into an answer."""

import re
from collections.abc import Callable
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)

from caddy_shopping.kernel.errors import Detail, Kind, ShopError, TooLarge
from caddy_shopping.kernel.languages import negotiate
from caddy_shopping.platform.db.faults import classify
from caddy_shopping.platform.execution import Rendered
from caddy_shopping.platform.http.errors import (
    BodyMissing,
    MalformedJson,
    MethodNotAllowed,
    RequestInvalid,
    RouteNotFound,
    ValidationFailed,
)
from caddy_shopping.platform.http.problems import header_of, render_problem
from caddy_shopping.platform.http.validation import detail_of, translate

_MISSING = re.compile(r"^Missing required (\w+) parameter '([^']+)'")


def named_error(fault: BaseException, scope: Any) -> ShopError | None:
    """The named error behind `fault`; None where it is a bug."""
    if isinstance(fault, ShopError):
        return fault
    if isinstance(fault, HTTPException) and fault.status_code < 500:
        return _of_litestar(fault, scope)
    if isinstance(fault, SerializationException):
        return MalformedJson(reason=fault.detail)
    return classify(fault)


def answer_to(fault: BaseException, scope: Any, *, development: bool) -> Rendered:
    """The problem document for `fault`. Bugs and outages are logged, with their stack."""
    error = named_error(fault, scope)
    log = structlog.stdlib.get_logger("caddy_shopping.http")
    if error is None or error.kind is Kind.BROKEN:
        log.error("request failed", method=scope["method"], path=scope["path"], exc_info=fault)
    elif error.kind is Kind.UNAVAILABLE:
        log.warning("request refused", code=error.code, path=scope["path"], cause=repr(fault.__cause__ or fault))
    return render_problem(error or ShopError(), scope, fault if development else None)


def exception_handler(*, development: bool) -> Callable[[Request[Any, Any, Any], Exception], Response[bytes]]:
    """Litestar's handler for everything that is raised."""

    def handle(request: Request[Any, Any, Any], fault: Exception) -> Response[bytes]:
        rendered = answer_to(fault, request.scope, development=development)
        media_type = rendered.headers.pop("content-type")
        return Response(rendered.body, status_code=rendered.status, headers=rendered.headers, media_type=media_type)

    return handle


def allowed_methods(fault: MethodNotAllowedException) -> list[str]:
    """What the path does know; HEAD wherever there is GET."""
    allowed = {method.strip() for method in (fault.headers or {}).get("allow", "").split(",")}
    return sorted(allowed | ({"HEAD"} if "GET" in allowed else set()))


def _of_litestar(fault: HTTPException, scope: Any) -> ShopError:
    path = str(scope.get("asked_path") or scope["path"])
    if isinstance(fault, NotFoundException):
        return RouteNotFound(path=path)
    if isinstance(fault, MethodNotAllowedException):
        return MethodNotAllowed(path=path, allow=", ".join(allowed_methods(fault)), method=scope["method"])
    if isinstance(fault, ValidationException):
        return _of_validation(fault, scope)
    if fault.status_code == 413:
        return TooLarge(limit=scope["route_handler"].resolve_request_max_body_size())
    return RequestInvalid(reason=fault.detail or "bad request")


def _of_validation(fault: ValidationException, scope: Any) -> ShopError:
    language = negotiate(header_of(scope, b"accept-language"))
    missing = _MISSING.match(fault.detail)
    if missing:
        place, name = missing.groups()
        details = [Detail(f"/{place}/{name}", "FIELD_MISSING", f"Missing required {place} parameter `{name}`")]
        return ValidationFailed(details=translate(details, language))
    entries: list[Any] = list(fault.extra) if isinstance(fault.extra, list) else []
    if any(entry.get("key") == "data" and entry["message"] == "'data'" for entry in entries):
        # Litestar's way to say that a handler wants a body and none came.
        return BodyMissing()
    details = [detail_of(entry["message"], _pointer(entry, scope)) for entry in entries]
    return ValidationFailed(details=translate(details, language))


def _pointer(entry: dict[str, Any], scope: Any) -> str:
    """Where it is, as the caller called it: `/query/minPrice`, which the handler calls `min_price`."""
    source, key = entry.get("source"), str(entry.get("key", ""))
    place = getattr(source, "value", source)
    handler = scope.get("route_handler")
    field = handler and handler.parsed_fn_signature.parameters.get(key)
    key = getattr(field and field.kwarg_definition, "name", None) or key
    return f"/{key}" if place in (None, "body") else f"/{place}/{key}"
