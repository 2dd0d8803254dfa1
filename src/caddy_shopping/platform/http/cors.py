"""Which pages of other origins may call the API from a browser (Fetch standard, CORS protocol)."""

from caddy_shopping.platform.http.asgi import Headers, Send

ALLOWED_HEADERS = (
    b"Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, "
    b"X-Requested-With, X-Request-Id, X-Trace-Id"
)
EXPOSED_HEADERS = (
    b"X-Request-Id, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, Idempotency-Replayed, WWW-Authenticate"
)
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_MAX_AGE = b"600"


class Cors:
    """Tokens travel in a header, never in a cookie, so credentials are never allowed."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self.configured = bool(origins)
        self._any = "*" in origins
        self._origins = frozenset(origin.rstrip("/").encode("latin-1") for origin in origins)
        # A shared cache must not hand one origin's answer to another.
        self.always: Headers = [(b"vary", b"Origin")] if origins and not self._any else []

    def headers(self, origin: bytes) -> Headers:
        """What goes on every answer to `origin`; nothing where it is not allowed."""
        if not self._any and origin not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", b"*" if self._any else origin),
            (b"access-control-expose-headers", EXPOSED_HEADERS),
        ]

    async def preflight(self, origin: bytes | None, send: Send) -> None:
        """Answer a browser's question in advance; the layer around adds `headers(origin)`."""
        headers: Headers = [(b"vary", b"Access-Control-Request-Method, Access-Control-Request-Headers")]
        if origin is not None and self.headers(origin):
            headers += [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", ALLOWED_HEADERS),
                (b"access-control-max-age", _MAX_AGE),
            ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
