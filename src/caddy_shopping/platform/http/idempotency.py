"""`Idempotency-Key`: a POST that may be sent twice, done once, answered byte for byte alike."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response

from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.platform.db.idempotency import IdempotencyKey, IdempotencyKeyMissing
from caddy_shopping.platform.execution import Rendered
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.auth import current_actor
from caddy_shopping.platform.http.problems import render_problem
from caddy_shopping.platform.http.wire import ApiResponse

C = TypeVar("C")
R = TypeVar("R")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_SCOPE_LENGTH = 160


async def once(
    request: Request[Any, Any, Any],
    run: Executor,
    handler: Callable[[C], Awaitable[R]],
    command: C,
    *,
    status: int = 201,
    location: Callable[[R], str] | None = None,
    version: Callable[[R], int] | None = None,
) -> Response[Any]:
    """Run a use case for the request's Idempotency-Key, or replay what was answered to it before.

    The answer is `ApiResponse {data}` with `status`; `location` and `version` (as ETag) of what came to be
    go into its headers. A replay says so: `Idempotency-Replayed: true`.
    Raises `IdempotencyKeyMissing`, `IdempotencyKeyReused`, `RequestInFlight`.
    """
    key = await _key_of(request)
    ran = False

    async def watched(given: C) -> R:
        nonlocal ran
        ran = True
        return await handler(given)

    def render(view: R) -> Rendered:
        headers = {"content-type": "application/json", "cache-control": "no-store"}
        if location is not None:
            headers["location"] = location(view)
        if version is not None:
            headers["etag"] = f'"{version(view)}"'
        return Rendered(status, headers, msgspec.json.encode(ApiResponse(view)))

    def render_error(refusal: ShopError) -> Rendered:
        return render_problem(refusal, request.scope)

    rendered = await run.once(key, watched, command, render, render_error)
    headers = dict(rendered.headers)
    media_type = headers.pop("content-type", "application/json")
    if not ran:
        headers["idempotency-replayed"] = "true"
    return Response(rendered.body, status_code=rendered.status, headers=headers, media_type=media_type)


async def _key_of(request: Request[Any, Any, Any]) -> IdempotencyKey:
    key = request.headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyMissing()
    path, caller = request.scope["path"], current_actor(request).id or "anonymous"
    scope = f"{caller} {request.method} {path}"
    if len(scope) > _SCOPE_LENGTH:
        scope = f"{caller} {request.method} {hashlib.sha256(path.encode()).hexdigest()}"
    payload = hashlib.sha256(f"{request.method} {path}\n".encode())
    payload.update(await request.body())
    return IdempotencyKey(scope, key, payload.digest())
