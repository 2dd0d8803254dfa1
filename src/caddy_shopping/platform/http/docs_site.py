"""`/api/openapi.json` and `/api/asyncapi.json`, and pages that show them without fetching anything from elsewhere."""

from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from caddy_shopping.platform.http.conditional import hashed
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.events_page import events_page
from caddy_shopping.platform.http.problems import ErrorEntry, catalogue

Document = Callable[[], dict[str, Any]]
_FILES = Path(__file__).parent / "static"
_FRESH = {"cache-control": "public, max-age=300"}


def docs_routes(document: Document, events: Document | None = None) -> list[HTTPRouteHandler]:
    """The routes of the documentation. A document is made when it is first asked for, and kept."""
    kept: list[msgspec.Raw] = []

    @get("/api/openapi.json", include_in_schema=False, **documented(public=True))
    async def openapi(request: Request[Any, Any, Any]) -> Response[Any]:
        if not kept:
            kept.append(msgspec.Raw(msgspec.json.encode(document())))
        return hashed(request, kept[0], max_age=300)

    @get("/api/docs", include_in_schema=False, **documented(public=True))
    async def page() -> Response[bytes]:
        return _file("docs.html", "text/html")

    @get("/api/docs/app.js", include_in_schema=False, **documented(public=True))
    async def script() -> Response[bytes]:
        return _file("docs.js", "text/javascript")

    @get("/api/docs/style.css", include_in_schema=False, **documented(public=True))
    async def style() -> Response[bytes]:
        return _file("docs.css", "text/css")

    @get("/api/docs/errors", include_in_schema=False, **documented(public=True))
    async def errors() -> Response[bytes]:
        return Response(errors_page().encode(), media_type="text/html", headers=_FRESH)

    return [openapi, page, script, style, errors, *([] if events is None else _event_routes(events))]


def _event_routes(document: Document) -> list[HTTPRouteHandler]:
    made = cache(document)

    @get("/api/asyncapi.json", include_in_schema=False, **documented(public=True))
    async def asyncapi(request: Request[Any, Any, Any]) -> Response[Any]:
        return hashed(request, made(), max_age=300)

    @get("/api/docs/events", include_in_schema=False, **documented(public=True))
    async def page() -> Response[bytes]:
        return Response(events_page(made()).encode(), media_type="text/html", headers=_FRESH)

    return [asyncapi, page]


def errors_page() -> str:
    """All error codes, each at an anchor of its own: what `type` in a problem points to."""
    template = (_FILES / "errors.html").read_text(encoding="utf-8")
    return template.replace("<!-- rows -->", "\n".join(_row(entry) for entry in catalogue()))


def _row(entry: ErrorEntry) -> str:
    again = "yes" if entry.retryable else "no"
    cells = "".join(f"<td>{escape(text)}</td>" for text in (str(entry.status), entry.en, entry.zh, again))
    about = f"<br><small>{escape(entry.description)}</small>" if entry.description else ""
    return f'<tr id="{entry.code}"><th scope="row"><a href="#{entry.code}">{entry.code}</a>{about}</th>{cells}</tr>'


def _file(name: str, media_type: str) -> Response[bytes]:
    return Response((_FILES / name).read_bytes(), media_type=media_type, headers=_FRESH)
