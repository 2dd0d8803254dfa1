"""The contracts of the contexts that live here, for the shop's other processes."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

import msgspec
import structlog

from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.errors import ShopError, TooLarge
from caddy_shopping.platform.execution import Rendered, acting
from caddy_shopping.platform.http.asgi import App, Headers, Receive, Scope, Send, header, send_rendered
from caddy_shopping.platform.rpc.contract import Method, methods_of
from caddy_shopping.platform.rpc.rules import deadline
from caddy_shopping.platform.rpc.tokens import ServiceTokenInvalid, ServiceTokens
from caddy_shopping.platform.rpc.wire import (
    ACTOR,
    CONTENT_TYPE,
    MAX_BODY,
    PREFIX,
    REFUSED,
    REMAINING,
    Refusal,
)

log = structlog.get_logger("rpc")
LONGEST = 60.0
"""Seconds that a call may take where its caller did not say."""


class RpcServer:
    """An ASGI layer: answers `/internal/…` and passes everything else on.

    `services` are, by context, its contract and what implements it. Only callers with a service token get past the
    door; the routes are in no public document.
    """

    def __init__(self, app: App, services: Mapping[str, tuple[type, object]], tokens: ServiceTokens) -> None:
        self._app = app
        self._tokens = tokens
        self._methods: dict[str, tuple[str, Method, Any]] = {
            f"{PREFIX}{context}/{name}": (context, method, getattr(service, name))
            for context, (contract, service) in services.items()
            for name, method in methods_of(contract).items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            return await self._app(scope, receive, send)
        status, body = await self._answer(scope, receive)
        return await send_rendered(send, Rendered(status, {"content-type": CONTENT_TYPE}, body))

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        headers = scope["headers"]
        context, method, call = self._methods.get(scope["path"], ("", None, None))
        scope["path_template"] = scope["path"] if method else PREFIX
        try:
            # Before all else, so that nobody learns by asking what there is.
            self._tokens.verify((_said(headers, "authorization") or "").removeprefix("Bearer "), context)
        except ServiceTokenInvalid as refusal:
            return 401, msgspec.msgpack.encode(Refusal.of(refusal))
        if method is None or scope["method"] != "POST":
            return 404, b""
        try:
            body = await _body(receive)
            arguments = msgspec.msgpack.decode(body, type=method.arguments)
            actor = _said(headers, ACTOR)
            behalf = msgspec.json.decode(actor, type=Actor) if actor else None
        except (msgspec.MsgspecError, TooLarge) as fault:
            log.warning("rpc.malformed", method=scope["path"], error=str(fault))
            return 400, b""
        try:
            result = await _run(call, arguments, behalf, _patience(_said(headers, REMAINING)))
            return 200, msgspec.msgpack.encode(result)
        except ShopError as refusal:
            return REFUSED, msgspec.msgpack.encode(Refusal.of(refusal))
        except TimeoutError:
            return 503, b""  # the caller has given up by now


async def _run(call: Any, arguments: msgspec.Struct, behalf: Actor | None, seconds: float) -> Any:
    given = {name: getattr(arguments, name) for name in arguments.__struct_fields__}
    ends, acts = deadline.set(monotonic() + seconds), acting.set(behalf)
    try:
        async with asyncio.timeout(seconds):
            return await call(**given)
    finally:
        deadline.reset(ends)
        acting.reset(acts)


def _said(headers: Headers, name: str) -> str | None:
    value = header(headers, name.encode())
    return None if value is None else value.decode("latin-1")


def _patience(remaining: str | None) -> float:
    try:
        return min(LONGEST, max(0.001, int(remaining) / 1000)) if remaining is not None else LONGEST
    except ValueError:
        return LONGEST


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise TooLarge(limit=MAX_BODY)
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)
