"""The headers that the OpenAPI document names: what callers send, and what comes back."""

from typing import Any

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Any unique text, kept for retries: the same key gets the same answer and the effect once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~]{1,255}$"},
    "example": "7f3e9a52-order-1",
}
IF_MATCH: dict[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The `ETag` that was read: the change is made on that version or not at all.",
    "schema": {"type": "string", "pattern": r'^"[0-9]{1,18}(-(zstd|br|gzip|lz4))?"$'},
    "example": '"7"',
}
IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "An `ETag` that was read before: while it is still good, the answer is 304, without a body.",
    "schema": {"type": "string"},
    "example": '"7"',
}
_TEXT = {"type": "string", "minLength": 1}
COMPONENTS: dict[str, Any] = {
    "ETag": {
        "required": True,
        "description": "Which version this is. A strong tag: each encoding of the same version has its own.",
        "schema": {"type": "string", "pattern": r'^(W/)?"[^"]*"$'},
    },
    "Idempotency-Replayed": {
        "description": "`true` where this is the answer that was given to the same key before.",
        "schema": {"type": "string", "const": "true"},
    },
    "Location": {"description": "Where to find what came to be.", "schema": _TEXT},
    "RateLimit": {
        "description": 'How many requests may follow, and when there is room again: `"writes";r=599;t=1`.',
        "schema": _TEXT,
    },
    "RateLimit-Policy": {"description": 'Requests per so many seconds: `"writes";q=600;w=60`.', "schema": _TEXT},
    "Retry-After": {
        "required": True,
        "description": "Seconds to wait before the same request may succeed.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "required": True,
        "description": '`Bearer`, with `error="invalid_token"` where a token was sent and is no good (RFC 6750).',
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
    "X-Request-Id": {
        "required": True,
        "description": "The request's id in our logs: the caller's own, or one that we made.",
        "schema": {"type": "string", "pattern": r"^[A-Za-z0-9._-]{1,64}$"},
    },
}
_OF_PROBLEMS = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}


def response_headers(status: int, *, problem: bool, tagged: bool, idempotent: bool) -> dict[str, Any]:
    """The headers of one answer, as references to `COMPONENTS`.

    `problem`: it is an `ErrorResponse`; `tagged`: it carries a version; `idempotent`: it may be a replay.
    """
    names = ["X-Request-Id"]
    if problem:
        names += _OF_PROBLEMS.get(status, ())
    elif status < 400:
        names += ["ETag"] * tagged + ["Location"] * (status == 201) + ["Idempotency-Replayed"] * idempotent
    return {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(names)}
