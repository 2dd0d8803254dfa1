"""A span for each request, by OpenTelemetry's conventions for HTTP. In front of the edge, where traces are exported."""

from caddy_shopping.platform.http.asgi import App, Message, Receive, Scope, Send, given_trace, seen_headers
from caddy_shopping.platform.http.edge import METHODS
from caddy_shopping.platform.telemetry.spans import Kind, Span, Spans

UNTRACED = ("/api/health", "/metrics")
"""Asked every few seconds by machines: nobody looks for these."""


class ServerSpans:
    """An ASGI layer. It leaves the span in the scope (`span`), for the edge to make it the request's trace."""

    def __init__(self, app: App, spans: Spans) -> None:
        self._app = app
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(UNTRACED):
            return await self._app(scope, receive, send)
        seen = seen_headers(scope)
        given = given_trace(seen)
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        span = scope["span"] = self._spans.caused_by(given, method, Kind.SERVER)
        if given is None:
            # One number serves as the id of the request, too, as where nothing is exported.
            seen.setdefault(b"x-request-id", span.traceparent[3:35].encode())
        if not span.sampled:
            return await self._app(scope, receive, send)
        with span:
            span.note("http.request.method", method)
            await self._answer(scope, receive, send, span, method)
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send, span: Span, method: str) -> None:
        path, status = scope["path"], 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = scope.get("path_template")
            if route:
                span.rename(f"{method} {route}")
                span.note("http.route", route)
                if status < 400 or status >= 500:
                    # Where it leads somewhere it holds ids and slugs. Where not, it may hold anything.
                    span.note("url.path", path)
            if status:
                span.note("http.response.status_code", status)
            if status >= 500:
                span.fail(str(status))
