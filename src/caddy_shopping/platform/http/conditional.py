"""Versions on the wire: `ETag`, `If-Match`, `If-None-Match` (RFC 9110 §13) and `Cache-Control` (RFC 9111).

A strong ETag names one sequence of bytes (§8.8.3), so compression gives each encoding a tag of its own:
`"7"` becomes `"7-br"`. What comes back from a client is read without that suffix.
"""

import hashlib
import re
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType

from caddy_shopping.kernel.errors import PreconditionFailed, PreconditionRequired
from caddy_shopping.platform.http.wire import ApiResponse

_TAG = re.compile(r'(W/)?"([^"]*)"')
_SUFFIX = re.compile(r"-(?:zstd|br|gzip|lz4)$")
_VERSION = re.compile(r"\d{1,18}")


def if_match(request: Request[Any, Any, Any]) -> int:
    """The version that the caller saw. Raises `PreconditionRequired` without one, `PreconditionFailed` for nonsense.

    `*` names no version and will not do; a weak tag never matches (RFC 9110 §13.1.1).
    """
    header = request.headers.get("if-match", "").strip()
    if header in ("", "*"):
        raise PreconditionRequired()
    tag = _TAG.fullmatch(header)
    version = _SUFFIX.sub("", tag[2]) if tag and not tag[1] else ""
    if not _VERSION.fullmatch(version):
        raise PreconditionFailed()
    return int(version)


def matching(if_none_match: str | None, tag: str) -> str | None:
    """The caller's own spelling of `tag` (quoted) where it has that already (weak comparison), else None."""
    if not if_none_match:
        return None
    if if_none_match.strip() == "*":
        return tag
    bare = tag.strip('"')
    for weak, opaque in _TAG.findall(if_none_match):
        if opaque == bare or _SUFFIX.sub("", opaque) == bare:
            return f'{weak}"{opaque}"'
    return None


def tagged(
    request: Request[Any, Any, Any],
    data: Any,
    *,
    version: int,
    status: int = 200,
    location: str | None = None,
    max_age: int | None = None,
) -> Response[Any]:
    """Answer with `data` in its envelope and its version as a strong ETag; 304 where the caller has it.

    `max_age` (seconds) makes the answer public: it must then be the same for every caller.
    """
    headers = _headers(f'"{version}"', max_age)
    if location is not None:
        headers["location"] = location
    return _answer(request, msgspec.json.encode(ApiResponse(data)), headers, status)


def hashed(request: Request[Any, Any, Any], payload: Any, *, max_age: int | None = None) -> Response[Any]:
    """Answer with `payload`, a whole envelope such as a `PaginatedResponse`, tagged by a hash of its bytes."""
    body = msgspec.json.encode(payload)
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    return _answer(request, body, _headers(f'"{digest}"', max_age), 200)


def _headers(tag: str, max_age: int | None) -> dict[str, str]:
    control = "private, no-cache" if max_age is None else f"public, max-age={max_age}"
    return {"etag": tag, "cache-control": control}


def _answer(request: Request[Any, Any, Any], body: bytes, headers: dict[str, str], status: int) -> Response[Any]:
    if request.method in ("GET", "HEAD"):
        known = matching(request.headers.get("if-none-match"), headers["etag"])
        if known is not None:
            return Response(b"", status_code=304, headers={**headers, "etag": known})
    return Response(body, status_code=status, headers=headers, media_type=MediaType.JSON)
