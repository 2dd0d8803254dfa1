"""The web application: the contexts' routes, what their handlers may ask for, and the layers around them.

Edge → ResponseCache → RateLimit → Compression → Litestar (authentication guard → handler)
"""

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from litestar import Controller, Litestar, Request
from litestar.config.app import AppConfig
from litestar.di import NamedDependency, Provide
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.exceptions.base_exceptions import LitestarDeprecationWarning
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.utils import normalize_path

from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.paging import PageRequest
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.asgi import App, Receive, Scope, Send
from caddy_shopping.platform.http.auth import Authenticate, authentication, current_actor
from caddy_shopping.platform.http.compression import Compression
from caddy_shopping.platform.http.connection import ShopRequest, refuse_odd_values
from caddy_shopping.platform.http.docs_site import docs_routes
from caddy_shopping.platform.http.edge import Edge
from caddy_shopping.platform.http.faults import allowed_methods, exception_handler
from caddy_shopping.platform.http.health import Health, health_routes
from caddy_shopping.platform.http.openapi import document_of, openapi_config
from caddy_shopping.platform.http.paging import Cursor, Limit, Total, page_request
from caddy_shopping.platform.http.rate_limit import Identify, Limiter, MemoryLimiter, RateLimit, Rule
from caddy_shopping.platform.http.response_cache import ResponseCache
from caddy_shopping.platform.http.server_spans import ServerSpans
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.module import Module
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.spans import Spans

Earlier = NamedDependency[Any]
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class WebApp:
    """An ASGI callable. `cache.clear()` forgets public answers, e.g. when the catalogue changed."""

    litestar: Litestar
    cache: ResponseCache
    edge: Edge
    entry: App
    document: Callable[[], dict[str, Any]]

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self.entry(scope, receive, send)

    @property
    def under_way(self) -> Set[asyncio.Task[Any]]:
        """The requests that are being answered; those from memory are over at once."""
        return self.edge.under_way

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, as it is served."""
        return self.document()


def create_app(
    modules: Sequence[Module],
    *,
    settings: HttpSettings,
    authenticate: Authenticate,
    metrics: Metrics,
    health: Health,
    keys: Callable[[], Mapping[str, Any]] | None = None,
    rules: Sequence[Rule] = (),
    limiter: Limiter | None = None,
    identify: Identify | None = None,
    upload_prefixes: tuple[str, ...] = (),
    tag_texts: Mapping[str, str] | None = None,
    document: Callable[[], dict[str, Any]] | None = None,
    events: Callable[[], dict[str, Any]] | None = None,
    version: str = "1",
    internal: Callable[[App], App] = lambda app: app,
    lifespan: Sequence[Lifespan] = (),
    spans: Spans | None = None,
) -> WebApp:
    """Put the application together.

    `keys` gives the public key set; `rules` say how often callers may ask (none: as often as they like);
    `upload_prefixes` are the paths that take bodies up to `settings.max_upload`; `tag_texts` describe the groups
    of operations in the documentation; `document` makes the OpenAPI document of more than these modules,
    `events` the AsyncAPI document; `version` is the software's; `internal` adds what answers our other processes;
    `spans` makes a span of each request.
    """
    routes = [route for module in modules for route in module.routes()]

    def own_document() -> dict[str, Any]:
        return document_of(litestar, tag_texts)

    document = document or own_document

    with warnings.catch_warnings():
        # Handlers name their dependencies and parameters plainly; Litestar 3 will want markers on each of them.
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        litestar = _Litestar(
            [*routes, *health_routes(health, metrics, keys), *docs_routes(document, events)],
            dependencies={
                "actor": Provide(_actor, sync_to_thread=False),
                "page": Provide(_page, sync_to_thread=False),
            },
            exception_handlers={Exception: exception_handler(development=settings.development)},
            guards=[authentication(authenticate), refuse_odd_values],
            lifespan=list(lifespan),
            logging_config=None,
            openapi_config=openapi_config(settings.public_url, version),
            request_class=ShopRequest,
            request_max_body_size=None,
        )
    inner: App = Compression(_with_options(litestar))
    if settings.rate_limits and rules:
        inner = RateLimit(inner, rules, limiter or MemoryLimiter(), identify)
    cache = ResponseCache(inner, metrics, entries=settings.cache_entries, size=settings.cache_bytes)
    edge = Edge(internal(cache), settings, metrics, upload_prefixes, cache)
    return WebApp(litestar, cache, edge, edge if spans is None else ServerSpans(edge, spans), document)


class _Litestar(Litestar):
    """Without what it would load by itself and the shop has no use for."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        # Ours speak msgspec alone. The plugins for pydantic would load its version 1 too: a twentieth of a start.
        return [*plugins, MsgspecDIPlugin()]

    @staticmethod
    def _patch_opentelemetry_middleware(config: AppConfig) -> AppConfig:
        # Litestar's own spans would be asked for here, which loads OpenTelemetry. Ours are made around it.
        return config


def routes_of(use_cases: object, run: Executor, controllers: Sequence[type[Controller]]) -> list[type[Controller]]:
    """The routes of one context, whose handlers may ask for `use_cases`, `run`, `actor` and `page`.

    Litestar resolves dependencies that don't know each other in parallel tasks, which costs more than
    all of ours together. So each names the one before it (`page` names `actor`), and they are resolved in a row.
    """

    def provide_use_cases() -> Any:
        return use_cases

    def provide_run(use_cases: Earlier) -> Any:
        return run

    def provide_actor(request: Request[Any, Any, Any], run: Earlier) -> Actor:
        return current_actor(request)

    dependencies = {
        "use_cases": Provide(provide_use_cases, sync_to_thread=False),
        "run": Provide(provide_run, sync_to_thread=False),
        "actor": Provide(provide_actor, sync_to_thread=False),
    }
    # A router around them would be copied with all that it holds when it is registered.
    return [type(each.__name__, (each,), {"dependencies": dependencies}) for each in controllers]


def _with_options(litestar: Litestar) -> App:
    """Litestar answers OPTIONS by one of a path's handlers, and so with its methods alone."""
    serve: Any = litestar

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            try:
                litestar.asgi_router.handle_routing(path=normalize_path(scope["path"]), method="TRACE")
            except MethodNotAllowedException as refusal:
                allow = ", ".join(allowed_methods(refusal)).encode()
                await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allow)]})
                return await send({"type": "http.response.body", "body": b"", "more_body": False})
            except NotFoundException:
                pass  # Litestar says so itself
        await serve(scope, receive, send)
        return None

    return app


def _actor(request: Request[Any, Any, Any]) -> Actor:
    return current_actor(request)


def _page(actor: Earlier, limit: Limit = 20, cursor: Cursor = None, total: Total = False) -> PageRequest:
    return page_request(limit, cursor, total)
