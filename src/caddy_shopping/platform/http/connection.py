"""The request as handlers get it: bodies are read strictly, by the type that the handler asks for."""

import re
from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from caddy_shopping.kernel.errors import Detail
from caddy_shopping.kernel.languages import negotiate
from caddy_shopping.platform.http.errors import RouteNotFound, UnsupportedMediaType, ValidationFailed
from caddy_shopping.platform.http.validation import INT64, decode_body, translate

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)


class ShopRequest(Request[Any, Any, Any]):
    """Litestar would read the body into dicts and convert leniently: "3" for 3. Here 3 is 3."""

    async def json(self) -> Any:
        """The body as the type of the handler's `data`. Raises `UnsupportedMediaType` and what `decode_body` raises."""
        media_type = self.headers.get("content-type", "application/json").partition(";")[0].strip()
        if not _JSON.fullmatch(media_type):
            raise UnsupportedMediaType(media_type=media_type)
        field = self.route_handler.parsed_fn_signature.parameters.get("data")
        language = negotiate(self.headers.get("accept-language"))
        return decode_body(await self.body(), Any if field is None else field.raw, language)


async def refuse_odd_values(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: what Litestar would read leniently in a URL is refused.

    Integers that no database holds (64 bits); `null`, which would count as left out; moments written as a number.
    """
    scope: Any = connection.scope
    if any(isinstance(value, int) and value > INT64 for value in scope["path_params"].values()):
        raise RouteNotFound(path=scope.get("asked_path") or scope["path"])
    if not scope["query_string"]:
        return
    kinds = _kinds(handler)
    details = [
        detail
        for name, value in connection.query_params.multi_items()
        if name in kinds and (detail := _oddity(name, value, kinds[name])) is not None
    ]
    if details:
        raise ValidationFailed(details=translate(details, negotiate(connection.headers.get("accept-language"))))


def _oddity(name: str, value: str, kinds: frozenset[Any]) -> Detail | None:
    if int in kinds and _is_huge(value):
        return Detail(f"/query/{name}", "TOO_LARGE", "Integer does not fit 64 bits")
    if NoneType in kinds and value.strip().lower() == "null":
        return Detail(f"/query/{name}", "WRONG_TYPE", "Expected a value, got `null`: leave the parameter out")
    if datetime in kinds and ":" not in value:
        return Detail(f"/query/{name}", "WRONG_FORMAT", "Expected a moment such as 2026-03-14T09:26:53Z (RFC 3339)")
    return None


def _is_huge(value: str) -> bool:
    digits = value.strip().lstrip("+-")
    return digits.isdecimal() and (len(digits) > 19 or int(digits) > INT64)


@lru_cache(maxsize=1024)
def _kinds(handler: BaseRouteHandler) -> dict[str, frozenset[Any]]:
    """The types that each query parameter of a handler may have; those that may be any text are left out."""
    found = {}
    for field in handler.parsed_fn_signature.parameters.values():
        kinds = {field.annotation, *(inner.annotation for inner in field.inner_types)}
        if kinds.isdisjoint((str, list[str])):
            found[getattr(field.kwarg_definition, "name", None) or field.name] = frozenset(kinds)
    return found
