"""How often one caller may ask, by class of route (draft-ietf-httpapi-ratelimit-headers; RFC 6585 §4)."""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from caddy_shopping.kernel.errors import RateLimited
from caddy_shopping.platform.http.asgi import App, Headers, Message, Receive, Scope, Send, seen_headers, send_rendered
from caddy_shopping.platform.http.problems import render_problem

WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
READS = frozenset(("GET", "HEAD"))


@dataclass(frozen=True, slots=True)
class Rule:
    """`limit` requests per `seconds`, all at once if need be. The first rule that fits a request counts.

    `by_token` counts callers with a valid token apart, even behind one address; it must be off where tokens
    are handed out.
    """

    name: str
    limit: int
    seconds: int
    methods: frozenset[str]
    prefixes: tuple[str, ...] = ("/api/",)
    by_token: bool = True

    def fits(self, method: str, path: str) -> bool:
        return method in self.methods and path.startswith(self.prefixes)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`remaining` requests may follow at once; after `wait` seconds there is room again."""

    allowed: bool
    remaining: int
    wait: float


Identify = Callable[[str], str | None]
"""Whose access token this is; None where it is none of ours. Must be cheap: every limited request asks."""


class Limiter(Protocol):
    """Counts requests by caller and rule."""

    async def take(self, key: str, rule: Rule) -> Verdict:
        """Count one request of `key` under `rule`."""
        ...

    async def forget(self, key: str, rule: Rule) -> None:
        """Let `key` begin anew."""
        ...


class MemoryLimiter:
    """The generic cell rate algorithm (ITU-T I.371): one number per caller, smooth refill, no window edges."""

    def __init__(self, most_callers: int = 100_000) -> None:
        self._full_again: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._most = most_callers

    async def take(self, key: str, rule: Rule) -> Verdict:
        now, each = monotonic(), rule.seconds / rule.limit
        place = (rule.name, key)
        full_again = max(self._full_again.get(place, now), now) + each
        excess = full_again - now - rule.seconds
        if excess > 1e-9:
            return Verdict(False, 0, excess)
        self._full_again[place] = full_again
        self._full_again.move_to_end(place)
        if len(self._full_again) > self._most:
            self._full_again.popitem(last=False)
        return Verdict(True, int((rule.seconds - (full_again - now)) / each + 1e-9), full_again - now)

    async def forget(self, key: str, rule: Rule) -> None:
        self._full_again.pop((rule.name, key), None)


class RateLimit:
    """Refuses with 429 before anything costly is done; tells everybody where they stand."""

    def __init__(self, app: App, rules: Sequence[Rule], limiter: Limiter, identify: Identify | None = None) -> None:
        self._app = app
        self._rules = tuple(rules)
        self._limiter = limiter
        self._identify = identify or (lambda token: None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rule = self._rule(scope)
        if rule is None:
            return await self._app(scope, receive, send)
        verdict = await self._limiter.take(self._caller(scope, rule), rule)
        headers = _headers(rule, verdict)
        if not verdict.allowed:
            seconds = max(1, math.ceil(verdict.wait))
            refusal = RateLimited(seconds=seconds, retry_after=seconds)
            return await send_rendered(send, render_problem(refusal, scope), headers)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers]}
            await send(message)

        return await self._app(scope, receive, answer)

    def _rule(self, scope: Scope) -> Rule | None:
        if scope["type"] != "http":
            return None
        method, path = scope["method"], scope["path"]
        return next((rule for rule in self._rules if rule.fits(method, path)), None)

    def _caller(self, scope: Scope, rule: Rule) -> str:
        authorization = seen_headers(scope).get(b"authorization")
        if rule.by_token and authorization is not None:
            # An invented token must not buy a fresh count: only one of ours counts for itself.
            caller = self._identify(authorization.decode("latin-1").partition(" ")[2].strip())
            if caller is not None:
                return caller
        client = scope.get("client")
        return str(client[0]) if client else "unknown"


def _headers(rule: Rule, verdict: Verdict) -> Headers:
    policy = f'"{rule.name}";q={rule.limit};w={rule.seconds}'
    state = f'"{rule.name}";r={verdict.remaining};t={max(0, math.ceil(verdict.wait))}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]
