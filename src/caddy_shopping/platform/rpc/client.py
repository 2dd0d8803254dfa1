"""Contracts of contexts that live in other processes, called over HTTP."""

import asyncio
import random
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from caddy_shopping.platform.execution import acting
from caddy_shopping.platform.rpc.breaker import Breaker
from caddy_shopping.platform.rpc.contract import Method, methods_of
from caddy_shopping.platform.rpc.rules import deadline, outside_of_units, seconds_left
from caddy_shopping.platform.rpc.tokens import ServiceTokens
from caddy_shopping.platform.rpc.wire import (
    ACTOR,
    CONTENT_TYPE,
    PREFIX,
    REFUSED,
    REMAINING,
    TRACE,
    PeerUnavailable,
    Refusal,
)
from caddy_shopping.platform.telemetry.spans import Kind, Spans
from caddy_shopping.platform.telemetry.trace import traceparent

P = TypeVar("P")
log = structlog.get_logger("rpc")
TRIES = 3
FIRST_PAUSE = 0.02
"""Seconds, at most, before the second try; doubled for the third."""
CONNECTIONS = 100


class Peers:
    """The connections of this process to the others: `urls` by context. Close it with the process."""

    def __init__(self, urls: dict[str, str], tokens: ServiceTokens, spans: Spans | None = None) -> None:
        self._peers = {context: Peer(context, url, tokens, self._session, spans) for context, url in urls.items()}
        self._open: aiohttp.ClientSession | None = None

    def stub(self, contract: type[P], context: str) -> P:
        """An object that satisfies `contract` by asking the peer that has `context`."""
        peer = self._peers[context]
        methods = {name: _remote(peer, method) for name, method in methods_of(contract).items()}
        made: Any = type(f"Remote{contract.__name__}", (), methods)()
        stub: P = made
        return stub

    async def close(self) -> None:
        if self._open is not None:
            await self._open.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._open is None:
            connector = aiohttp.TCPConnector(limit_per_host=CONNECTIONS, keepalive_timeout=60)
            self._open = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._open


class Peer:
    """Another process, as it is called from here."""

    def __init__(
        self,
        context: str,
        url: str,
        tokens: ServiceTokens,
        session: Callable[[], aiohttp.ClientSession],
        spans: Spans | None = None,
    ) -> None:
        self.name = context
        self._url = url.rstrip("/") + PREFIX + context + "/"
        self._tokens = tokens
        self._session = session
        self._breaker = Breaker(context)
        self._spans = spans
        self._host = urlsplit(url).hostname or ""

    async def call(self, method: Method, arguments: msgspec.Struct) -> Any:
        """Ask until the deadline. Raises what the peer refused with, or `PeerUnavailable`.

        Tried again, after a jittered pause, only where nobody waits for us in another process: they would try again
        too, and tries would multiply. Contracts are safe to call again by their nature.
        """
        end = monotonic() + seconds_left(method.seconds)
        body = msgspec.msgpack.encode(arguments)
        tries = TRIES if deadline.get() is None else 1
        self._breaker.count()
        for attempt in range(1, tries + 1):
            self._breaker.enter()
            try:
                answer = await self._try(method, body, end)
            except PeerUnavailable as fault:
                self._breaker.failed()
                pause = random.uniform(0.5, 1.0) * FIRST_PAUSE * 2 ** (attempt - 1)
                if attempt == tries or monotonic() + pause >= end or not self._breaker.may_retry():
                    raise
                log.info("rpc.retry", peer=self.name, method=method.name, error=str(fault.__cause__))
                await asyncio.sleep(pause)
            else:
                self._breaker.succeeded()
                if isinstance(answer, Refusal):
                    raise answer.error()
                return answer
        raise AssertionError("unreachable: the last try returns or raises")

    async def _try(self, method: Method, body: bytes, end: float) -> Any:
        """One try, and its span. The peer's end of it is the span of its request."""
        if self._spans is None:
            return await self._ask(method, body, end)
        name = f"{self.name}/{method.name}"
        notes = {"rpc.system.name": "shop", "rpc.method": name, "server.address": self._host}
        with self._spans.span(name, Kind.CLIENT, notes) as span:
            answer = await self._ask(method, body, end)
            if isinstance(answer, Refusal):
                span.note("error.type", answer.code)
            return answer

    async def _ask(self, method: Method, body: bytes, end: float) -> Any:
        """The result, or the peer's refusal."""
        left = end - monotonic()
        if left <= 0:
            raise PeerUnavailable(peer=self.name, retry_after=1)
        timeout = aiohttp.ClientTimeout(total=left)
        try:
            url, headers = self._url + method.name, self._headers(left)
            async with self._session().post(url, data=body, headers=headers, timeout=timeout) as answer:
                content = await answer.read()
                if answer.status == REFUSED:
                    return msgspec.msgpack.decode(content, type=Refusal)
                if answer.status != 200:
                    raise _Nonsense(f"status {answer.status}")
                return msgspec.msgpack.decode(content, type=method.result)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError, _Nonsense) as fault:
            raise PeerUnavailable(peer=self.name, retry_after=1) from fault

    def _headers(self, left: float) -> dict[str, str]:
        headers = {
            "content-type": CONTENT_TYPE,
            "authorization": "Bearer " + self._tokens.issue(self.name),
            REMAINING: str(int(left * 1000)),
        }
        parent, actor = traceparent(), acting.get()
        if parent is not None:
            headers[TRACE] = parent
        if actor is not None:
            # Who and what they may, but not their address: it is nobody's business there, and no text for a header.
            headers[ACTOR] = msgspec.json.encode(msgspec.structs.replace(actor, email=None)).decode()
        return headers


class _Nonsense(Exception):
    """The peer answered, but not to what it was asked."""


def _remote(peer: Peer, method: Method) -> Callable[..., Any]:
    async def call(_self: object, **arguments: Any) -> Any:
        outside_of_units(method.name)
        return await peer.call(method, method.arguments(**arguments))

    return call
