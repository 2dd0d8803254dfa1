"""From `Authorization: Bearer …` to the `Actor` that use cases see."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from caddy_shopping.kernel.actor import ANONYMOUS, Actor
from caddy_shopping.kernel.errors import Unauthenticated
from caddy_shopping.kernel.languages import negotiate
from caddy_shopping.platform.execution import acting
from caddy_shopping.platform.http.docs import notes_of
from caddy_shopping.platform.security.tokens import TokenInvalid

Authenticate = Callable[[str], Awaitable[Actor | None]]
"""Who an access token belongs to; None where its session has ended. Raises `TokenInvalid` or `TokenExpired`."""

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]


def bearer_token(authorization: str | None) -> str | None:
    """The token of an Authorization header, None where there is no header. Raises `TokenInvalid` for another scheme."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > 8192:
        raise TokenInvalid()
    return token


def authentication(authenticate: Authenticate) -> Guard:
    """The guard of every route. It runs before the body is read, and costs nothing where nobody asks who it is.

    A public handler that takes no `actor` answers everybody alike, so a token sent to it is not looked at. One
    that does (signing in) takes the token of a session that has ended as none: a guest whose sign-in ended the
    guest's session may send the same request again. A token that ran out is refused, since it can be refreshed.
    """

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        scope: Any = connection.scope
        public = notes_of(handler.opt).public or scope["method"] == "OPTIONS"
        if public and "actor" not in handler.parsed_fn_signature.parameters:
            return
        token = bearer_token(connection.headers.get("authorization"))
        if token is None:
            if not public:
                raise Unauthenticated()
            actor: Actor | None = ANONYMOUS
        else:
            actor = await authenticate(token) or (ANONYMOUS if public else None)
        if actor is None:
            raise TokenInvalid()
        accept = connection.headers.get("accept-language")
        if accept:
            language = negotiate(accept)
            if language != actor.language:
                actor = msgspec.structs.replace(actor, language=language)
        scope["actor"] = actor
        acting.set(actor)  # for calls of other contexts; the request is a task of its own

    return guard


def current_actor(request: Request[Any, Any, Any]) -> Actor:
    """The dependency `actor`, which the guard has left in the scope."""
    scope: Any = request.scope
    actor: Actor = scope.get("actor", ANONYMOUS)
    return actor
