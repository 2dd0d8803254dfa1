"""The outermost layer: who asked, what for, how big, how long it took. In front of every request, so it is lean."""

import asyncio
import random
import re
from collections.abc import Awaitable
from time import monotonic, perf_counter
from typing import Any

import structlog

from caddy_shopping.kernel.errors import ShopError, TooLarge
from caddy_shopping.platform.http.asgi import (
    App,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
    given_trace,
    pick,
    send_rendered,
)
from caddy_shopping.platform.http.cors import Cors
from caddy_shopping.platform.http.errors import ClientGone, RequestInvalid, RouteNotFound, UriTooLong
from caddy_shopping.platform.http.faults import answer_to
from caddy_shopping.platform.http.problems import render_problem
from caddy_shopping.platform.http.response_cache import Entry, ResponseCache
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.trace import Trace, current, new_traceparent

MAX_URI = 8192
LINGER_BYTES, LINGER_SECONDS = 16 * 1024 * 1024, 3.0
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
DOCS = "/api/docs"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# For answers that say nothing: whose they are, nobody else may keep.
_PRIVATE = (b"cache-control", b"private, no-cache")
# With no other header than these (of those that any layer looks at), a GET that is kept is sent as it is kept.
_PLAIN = frozenset(
    (b"accept-encoding", b"accept-language", b"authorization", b"traceparent", b"x-forwarded-for", b"x-request-id")
)
_BODILESS = frozenset(("GET", "HEAD", "OPTIONS"))
_API_POLICY = b"default-src 'none'; frame-ancestors 'none'"
_DOCS_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Edge:
    """Request id and trace, security headers, CORS, sizes, metrics, access log, and the last resort for faults."""

    def __init__(
        self,
        app: App,
        settings: HttpSettings,
        metrics: Metrics,
        upload_prefixes: tuple[str, ...] = (),
        kept: ResponseCache | None = None,
    ) -> None:
        self._app = app
        self._kept = kept
        self._settings = settings
        self._tally = metrics.http
        self._uploads = upload_prefixes
        self._cors = Cors(settings.cors_origins)
        self._api_headers = _security(settings, _API_POLICY) + self._cors.always
        self._docs_headers = _security(settings, _DOCS_POLICY) + self._cors.always
        self._log = structlog.stdlib.get_logger("caddy_shopping.access")
        self._log_all, self._log_bad = settings.access_log == "all", settings.access_log != "off"
        self._slow = settings.slow_request
        self.under_way: set[asyncio.Task[Any]] = set()
        """Requests not yet answered; hits are none of them, since they wait for nobody."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Not a coroutine itself: so a hit is one, not one inside another."""
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        started = perf_counter()
        seen = scope["seen"] if "seen" in scope else pick(scope)  # somebody in front of us has looked
        if self._kept is not None and scope["method"] == "GET" and _PLAIN.issuperset(seen):
            entry = self._kept.find(scope, seen)
            if entry is not None:
                scope["path_template"] = entry.route
                return self._send_kept(entry, scope["path"], seen, send, started)
        scope["seen"] = seen
        return self._serve(scope, receive, send, seen, started)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, seen: dict[bytes, bytes], started: float
    ) -> None:
        trace = _trace(seen)
        if (span := scope.get("span")) is not None:
            trace = Trace(trace.request_id, span.traceparent)
        token = current.set(trace)
        method = scope["asked_method"] = scope["method"]
        path = scope["asked_path"] = scope["path"]
        if self._settings.trusted_proxies:
            scope["client"] = _client(scope, seen, self._settings.trusted_proxies)
        answer = _Answer(send, self._headers(path, trace, seen), head=method == "HEAD")
        task: Any = asyncio.current_task()
        self.under_way.add(task)
        try:
            await self._answer(scope, receive, answer, seen)
        finally:
            self._note(method, path, scope.get("path_template"), answer.status, started, trace.request_id)
            self.under_way.discard(task)
            current.reset(token)

    async def _send_kept(self, entry: Entry, path: str, seen: dict[bytes, bytes], send: Send, started: float) -> None:
        """What all the layers would come to, in one step: its URL passed them when it was kept."""
        if entry.ready is None:
            entry.ready = [*entry.headers, *(self._docs_headers if path.startswith(DOCS) else self._api_headers)]
        request_id, age, status = _request_id(seen), b"%d" % (monotonic() - entry.stored), 0
        headers = [*entry.ready, (b"x-request-id", request_id.encode()), (b"age", age)]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            status = 200
            await send(entry.end)
        finally:
            self._note("GET", path, entry.route, status, started, request_id)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer", seen: dict[bytes, bytes]) -> None:
        try:
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in seen and self._cors.configured:
                await self._cors.preflight(seen.get(b"origin"), answer)
                return
            try:
                counted = self._checked(scope, receive, seen)
            except TooLarge:
                await _linger(receive)
                raise
            if scope["method"] == "HEAD":
                scope["method"] = "GET"
            await self._app(scope, counted, answer)
        except ShopError as refusal:
            if answer.status:
                raise
            await send_rendered(answer, render_problem(refusal, scope))
        except Exception as fault:
            if answer.status:
                raise
            await send_rendered(answer, answer_to(fault, scope, development=self._settings.development))

    def _headers(self, path: str, trace: Trace, seen: dict[bytes, bytes]) -> Headers:
        fixed = self._docs_headers if path.startswith(DOCS) else self._api_headers
        headers = [*fixed, (b"x-request-id", trace.request_id.encode())]
        origin = seen.get(b"origin")
        if origin is not None:
            headers.extend(self._cors.headers(origin))
        return headers

    def _checked(self, scope: Scope, receive: Receive, seen: dict[bytes, bytes]) -> Receive:
        """Refuse what cannot be right; count the body while it comes in."""
        path, query = scope["path"], scope["query_string"]
        if len(path) + len(query) > MAX_URI:
            raise UriTooLong(limit=MAX_URI)
        if "\x00" in path or b"%00" in query:
            raise RequestInvalid(reason="the URL contains U+0000")
        if "//" in path:
            # The router would take it for the path without the second slash; limits and sizes go by prefix.
            raise RouteNotFound(path=path)
        length = seen.get(b"content-length")
        if scope["method"] in _BODILESS and length is None and b"transfer-encoding" not in seen:
            return receive
        if length is not None and not (length.isdigit() and len(length) < 19):
            raise RequestInvalid(reason="Content-Length is not a number")
        limit = self._settings.max_upload if path.startswith(self._uploads) else self._settings.max_body
        declared = None if length is None else int(length)
        if declared is not None and declared > limit:
            raise TooLarge(limit=limit)
        return _counted(receive, limit, declared)

    def _note(self, method: str, path: str, route: str | None, status: int, started: float, request_id: str) -> None:
        """Count an answer, and log it if it is to be logged."""
        elapsed = perf_counter() - started
        self._tally.count(method if method in METHODS else "OTHER", route or "unmatched", status, elapsed)
        bad = status >= 500 or status == 0 or elapsed >= self._slow
        if self._log_all or (bad and self._log_bad):
            write = self._log.warning if bad else self._log.info
            write(
                "request",
                method=method,
                path=path,
                status=status,
                seconds=round(elapsed, 6),
                request_id=request_id,
            )


class _Answer:
    """`send` with our headers on it; `status` is 0 until the answer has begun."""

    __slots__ = ("_head", "_headers", "_send", "status")

    def __init__(self, send: Send, headers: Headers, *, head: bool) -> None:
        self._send = send
        self._headers = headers
        self._head = head
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"]
            if all(name != b"cache-control" for name, _ in headers):
                headers = [_PRIVATE, *headers]
            message = {"type": "http.response.start", "status": self.status, "headers": [*headers, *self._headers]}
        elif self._head and message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await self._send(message)


def _security(settings: HttpSettings, policy: bytes) -> Headers:
    headers = [
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", policy),
    ]
    if settings.hsts_seconds:
        value = f"max-age={settings.hsts_seconds}; includeSubDomains"
        headers.append((b"strict-transport-security", value.encode()))
    return headers


def _client(scope: Scope, seen: dict[bytes, bytes], proxies: int) -> Any:
    """The caller as our outermost proxy saw them; what stands before that in the header may be made up."""
    forwarded = seen.get(b"x-forwarded-for")
    if forwarded is None:
        return scope.get("client")
    hops = [hop.strip() for hop in forwarded.decode("latin-1").split(",")]
    return hops[-min(proxies, len(hops))], 0


def _trace(seen: dict[bytes, bytes]) -> Trace:
    """The caller's request id and trace where they are sane; else one random number serves as both."""
    fresh, parent = new_traceparent(), given_trace(seen)
    request_id = _given_id(seen) or fresh[3:35]
    return Trace(request_id, fresh if parent is None else parent[:36] + fresh[36:52] + parent[52:])


def _request_id(seen: dict[bytes, bytes]) -> str:
    """As in `_trace`, for what leaves no trace. An id is no secret, so it need not be worth a system call."""
    return _given_id(seen) or random.getrandbits(128).to_bytes(16).hex()


def _given_id(seen: dict[bytes, bytes]) -> str | None:
    given = seen.get(b"x-request-id")
    return given.decode() if given is not None and _REQUEST_ID.fullmatch(given) else None


async def _linger(receive: Receive) -> None:
    """Take in, within bounds, what is still being sent: a caller who is busy sending would not hear our answer."""
    left, deadline = LINGER_BYTES, asyncio.get_running_loop().time() + LINGER_SECONDS
    while left > 0:
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            return
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))


def _counted(receive: Receive, limit: int, declared: int | None) -> Receive:
    total, whole = 0, False

    async def counted() -> Message:
        nonlocal total, whole
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > limit:
                if message.get("more_body", False):
                    await _linger(receive)
                raise TooLarge(limit=limit)
            whole = not message.get("more_body", False)
            if whole and declared is not None and total != declared:
                raise RequestInvalid(reason="Content-Length does not match the body")
        elif not whole:
            raise ClientGone()
        return message

    return counted
