"""The web application of a process, and who its callers are."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import text

from caddy_shopping.contracts.users import Users
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.main.events_document import events_document
from caddy_shopping.main.ground import Ground
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.http.app import WebApp, create_app
from caddy_shopping.platform.http.health import Health
from caddy_shopping.platform.http.rate_limit import WRITES, Limiter, Rule
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.module import Module
from caddy_shopping.platform.rpc.server import RpcServer
from caddy_shopping.platform.rpc.tokens import ServiceTokens
from caddy_shopping.platform.security.tokens import AccessTokens, TokenExpired, TokenInvalid
from caddy_shopping.platform.settings import Environment, load

RULES = (
    Rule("sign-in", 30, 60, WRITES, ("/api/v1/auth/",), by_token=False),
    # A busy provider calls from one address; its signature is what lets it in.
    Rule("webhooks", 60_000, 60, WRITES, ("/api/v1/payments/webhooks/",), by_token=False),
    Rule("writes", 600, 60, WRITES),
)
"""Requests per so many seconds, of one caller."""
TAGS = {
    "auth": "How people come in and go out: guests, accounts, tokens, passwords.",
    "users": "What the shop knows of its caller: profile and address book.",
    "users (staff)": "Looking after accounts, roles and permissions.",
    "products": "The catalogue as everybody sees it: lists, search, pictures, categories.",
    "products (staff)": "Making and changing products, categories and stock.",
    "cart": "What a caller is about to buy; every answer is the whole cart.",
    "orders": "Pricing, placing and following one's own orders.",
    "orders (staff)": "Shipping, completing, cancelling, taking back and refunding.",
    "payments": "Paying for orders, and the webhooks of those who move the money.",
    "payments (staff)": "Every payment, its refunds and webhooks, and what the provider says of it.",
    "notifications": "What callers are told, in the shop and by mail.",
    "notifications (staff)": "Every mail and what became of it.",
    "operations": "For orchestrators, monitoring and whoever checks our tokens.",
}
"""One sentence for each group of operations in the documentation."""


def web_app(
    ground: Ground,
    modules: Sequence[Module],
    users: Users,
    health: Health,
    services: Mapping[str, tuple[type, object]],
    service_tokens: ServiceTokens,
    limiter: Limiter | None = None,
    document: Callable[[], dict[str, Any]] | None = None,
) -> WebApp:
    """Every route of `modules`, behind one door; beside it the one for the shop's own processes.

    `document` makes the OpenAPI document where it says more than what is served here.
    """
    settings = ground.settings
    development = settings.environment is Environment.DEVELOPMENT
    return create_app(
        modules,
        settings=load(HttpSettings, development=development, public_url=settings.url),
        authenticate=partial(authenticate, ground.tokens, users),
        metrics=ground.metrics,
        health=health,
        keys=ground.keys.jwks,
        rules=RULES,
        limiter=limiter,
        identify=partial(identify, ground.tokens),
        upload_prefixes=("/api/v1/admin/products/",),
        tag_texts=TAGS,
        document=document,
        events=events_document,
        internal=lambda app: RpcServer(app, services, service_tokens),
        spans=ground.spans,
    )


async def authenticate(tokens: AccessTokens, users: Users, token: str) -> Actor | None:
    """Who the token belongs to, as of now; None for a session that was ended, be it a moment ago.

    Raises `TokenInvalid` or `TokenExpired`.
    """
    claims = tokens.verify(token)
    session = await users.find_session(session_id=claims.session_id)
    if session is None:
        return None
    return Actor(
        role=Role(session.role),
        id=session.user_id,
        session_id=session.session_id,
        permissions=frozenset(session.permissions),
        language=session.language,
        email=session.email,
    )


def identify(tokens: AccessTokens, token: str) -> str | None:
    """Who a valid token belongs to, for counting; whether the session still runs is asked later."""
    try:
        return str(tokens.verify(token).user_id)
    except (TokenInvalid, TokenExpired):
        return None


async def reachable(database: Database) -> None:
    """The readiness check of the database. Raises where it could not be written to."""
    async with database.writer.connect() as connection:
        await connection.execute(text("SELECT 1"))
