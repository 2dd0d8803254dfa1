"""What the layers around Litestar share: ASGI's types, the headers worth looking at, and short answers."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from caddy_shopping.platform.execution import Rendered
from caddy_shopping.platform.telemetry.trace import sane

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_WORTH = frozenset(
    (
        b"accept-encoding",
        b"accept-language",
        b"access-control-request-method",
        b"authorization",
        b"content-length",
        b"if-none-match",
        b"origin",
        b"traceparent",
        b"transfer-encoding",
        b"x-forwarded-for",
        b"x-request-id",
    )
)


def seen_headers(scope: Scope) -> dict[bytes, bytes]:
    """The headers that any layer looks at, found in one pass and kept in the scope (`seen`)."""
    seen: dict[bytes, bytes] | None = scope.get("seen")
    if seen is None:
        seen = scope["seen"] = pick(scope)
    return seen


def pick(scope: Scope) -> dict[bytes, bytes]:
    """As `seen_headers`, without keeping them: for the first to look, who may be the last."""
    return {name: value for name, value in scope["headers"] if name in _WORTH}


def given_trace(seen: dict[bytes, bytes]) -> str | None:
    """The caller's `traceparent`, where it is one that can be continued."""
    parent = seen.get(b"traceparent")
    return None if parent is None else sane(parent.decode("latin-1"))


def header(headers: Headers, name: bytes) -> bytes | None:
    """The first header called `name` (lower case) of an answer."""
    for key, value in headers:
        if key == name or key.lower() == name:
            return value
    return None


def without(headers: Headers, *names: bytes) -> Headers:
    """`headers` less those called `names` (lower case)."""
    return [(key, value) for key, value in headers if key.lower() not in names]


async def send_rendered(send: Send, rendered: Rendered, extra: Headers | None = None) -> None:
    """Send a whole answer."""
    headers = [(key.encode("latin-1"), value.encode("latin-1", "replace")) for key, value in rendered.headers.items()]
    headers.append((b"content-length", str(len(rendered.body)).encode()))
    headers.extend(extra or ())
    await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
    await send({"type": "http.response.body", "body": rendered.body, "more_body": False})
