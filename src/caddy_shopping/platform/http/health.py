"""Is it alive, is it ready, how is it doing: for orchestrators and monitoring, without envelope or sign-in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Annotated, Any

import msgspec
import structlog
from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from caddy_shopping.platform.http.conditional import hashed
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.telemetry.metrics import Metrics

Check = Callable[[], Awaitable[object]]


@dataclass
class Health:
    """What this process depends on. Set `stopping` when it begins to end: traffic then goes elsewhere."""

    checks: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    """What it does without for a while: slower, or with something waiting."""
    time_limit: float = 2.0
    """Seconds that each check may take."""
    stopping: bool = False


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: str = "ok"


class CheckResult(msgspec.Struct, frozen=True):
    """`status` is `ok`, `failed` or `timeout`."""

    status: str
    seconds: float


class Readiness(msgspec.Struct, frozen=True):
    """`status` is `ready`, `degraded` (takes traffic, but lacks a help), `failing` or `stopping`."""

    status: str
    checks: dict[str, CheckResult]


class KeySet(msgspec.Struct, frozen=True):
    """Each key with its `kid`, which the tokens that it signed name."""

    keys: Annotated[
        list[dict[str, Any]],
        msgspec.Meta(
            examples=[[{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "2f1c", "n": "xjlC…", "e": "AQAB"}]]
        ),
    ]


async def examine(health: Health) -> Readiness:
    """Run all checks at once. Why one failed goes to the log, not to strangers."""
    asked = {**health.checks, **health.optional}
    results = await asyncio.gather(*(_run(name, check, health.time_limit) for name, check in asked.items()))
    checks = dict(zip(asked, results, strict=True))
    lacking = {name for name, result in checks.items() if result.status != "ok"}
    if health.stopping:
        return Readiness("stopping", checks)
    if not lacking <= health.optional.keys():
        return Readiness("failing", checks)
    return Readiness("degraded" if lacking else "ready", checks)


async def _run(name: str, check: Check, limit: float) -> CheckResult:
    started = perf_counter()
    status = "ok"
    try:
        async with asyncio.timeout(limit):
            await check()
    except TimeoutError:
        status = "timeout"
    except Exception as fault:
        status = "failed"
        structlog.stdlib.get_logger("caddy_shopping.health").warning("check failed", check=name, exc_info=fault)
    return CheckResult(status, round(perf_counter() - started, 4))


def health_routes(
    health: Health, metrics: Metrics, keys: Callable[[], Mapping[str, Any]] | None
) -> list[HTTPRouteHandler]:
    """`/api/health`, `/api/health/ready`, `/metrics` and, where `keys` is given, `/.well-known/jwks.json`."""

    @get("/api/health", tags=["operations"], summary="Is the process alive?", **documented(public=True))
    async def alive() -> Alive:
        """Answers as long as the process can answer at all; looks at no dependency."""
        return Alive()

    away = ResponseSpec(Readiness, generate_examples=False, description="Not now: `failing` or `stopping`")

    @get(
        "/api/health/ready",
        tags=["operations"],
        summary="May traffic be sent here?",
        responses={503: away},
        **documented(public=True),
    )
    async def ready() -> Response[Readiness]:
        """503 while a dependency is away that requests need, or while the process is on its way out."""
        found = await examine(health)
        return Response(
            found,
            status_code=200 if found.status in ("ready", "degraded") else 503,
            headers={"cache-control": "no-store"},
        )

    @get("/metrics", include_in_schema=False, sync_to_thread=False, **documented(public=True))
    def numbers() -> Response[bytes]:
        return Response(generate_latest(metrics.registry), headers={"content-type": CONTENT_TYPE_LATEST})

    routes = [alive, ready, numbers]
    if keys is not None:
        provide = keys

        @get(
            "/.well-known/jwks.json",
            tags=["operations"],
            summary="The keys that sign access tokens",
            **documented(public=True),
        )
        async def jwks(request: Request[Any, Any, Any]) -> Response[KeySet]:
            """The public halves, for whoever checks our tokens (RFC 7517)."""
            answer = hashed(request, provide(), max_age=300)
            # For the caches of others: "public" would let our own show yesterday's keys after a rotation.
            answer.headers["cache-control"] = "max-age=300"
            return answer

        routes.append(jwks)
    return routes


def health_app(health: Health, metrics: Metrics) -> Litestar:
    """An application of these routes alone, for processes that serve nothing else."""
    return Litestar(health_routes(health, metrics, None), openapi_config=None)
