"""The request as handlers get it: bodies are read strictly, by the type that the handler asks for."""

import re
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from caddy_shopping.kernel.errors import Detail
from caddy_shopping.kernel.languages import negotiate
from caddy_shopping.platform.http.errors import RouteNotFound, UnsupportedMediaType, ValidationFailed
from caddy_shopping.platform.http.validation import INT64, decode_body, translate

_LONG = re.compile(rb"\d{19}")
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


async def refuse_huge_numbers(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: integers in a URL that no database holds (64 bits) are refused before they reach one."""
    scope: Any = connection.scope
    if any(isinstance(value, int) and value > INT64 for value in scope["path_params"].values()):
        raise RouteNotFound(path=scope.get("asked_path") or scope["path"])
    if not _LONG.search(scope["query_string"]):
        return
    details = [
        Detail(f"/query/{name}", "TOO_LARGE", "Integer does not fit 64 bits")
        for name, value in connection.query_params.multi_items()
        if _is_huge(value) and _is_integer(handler, name)
    ]
    if details:
        raise ValidationFailed(details=translate(details, negotiate(connection.headers.get("accept-language"))))


def _is_huge(value: str) -> bool:
    digits = value.strip().lstrip("+-")
    return digits.isdecimal() and (len(digits) > 19 or int(digits) > INT64)


def _is_integer(handler: BaseRouteHandler, name: str) -> bool:
    for field in handler.parsed_fn_signature.parameters.values():
        if name == (getattr(field.kwarg_definition, "name", None) or field.name):
            return bool(field.is_subclass_of(int) or field.has_inner_subclass_of(int))
    return False
