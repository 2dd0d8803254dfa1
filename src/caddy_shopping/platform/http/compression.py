"""Compressed answers by negotiation (RFC 9110 §12.5.3): zstd, br, gzip, and lz4 for who names it."""

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import brotli
import lz4.frame
import zstandard

from caddy_shopping.platform.http.asgi import App, Headers, Message, Receive, Scope, Send, header, seen_headers, without

MINIMUM = 1024
"""Bytes below which compressing costs more than it saves."""
_PREFERENCE = ("zstd", "br", "gzip", "lz4")
_TYPES = ("text/", "application/json", "application/problem+json", "application/javascript", "image/svg+xml")
_NEVER = ("text/event-stream",)


class Compressor(Protocol):
    """One encoding, fed piece by piece."""

    def add(self, chunk: bytes) -> bytes:
        """What can be sent so far."""
        ...

    def end(self) -> bytes:
        """The rest."""
        ...


class _Steps:
    """Three libraries, one shape."""

    def __init__(self, add: Callable[[bytes], bytes], end: Callable[[], bytes], start: bytes = b"") -> None:
        self._add, self._end, self._start = add, end, start

    def add(self, chunk: bytes) -> bytes:
        start, self._start = self._start, b""
        return start + self._add(chunk)

    def end(self) -> bytes:
        start, self._start = self._start, b""
        return start + self._end()


def compressor(encoding: str) -> Compressor:
    """A fresh compressor; levels are those that cost a fraction of a millisecond for a page of JSON."""
    if encoding == "zstd":
        zstd = zstandard.ZstdCompressor(level=3).compressobj()
        return _Steps(zstd.compress, zstd.flush)
    if encoding == "br":
        br: Any = brotli.Compressor(quality=4)
        return _Steps(br.process, br.finish)
    if encoding == "lz4":
        frame: Any = lz4.frame.LZ4FrameCompressor()
        return _Steps(frame.compress, frame.flush, frame.begin())
    gzip = zlib.compressobj(6, zlib.DEFLATED, 31)
    return _Steps(gzip.compress, gzip.flush)


@lru_cache(maxsize=512)
def negotiate_encoding(accept_encoding: bytes) -> str:
    """The best encoding for an Accept-Encoding header; `""` where the answer goes out as it is.

    The caller's q-values decide, our preference among equals; `*` gets gzip, which everybody reads.
    """
    weights: dict[str, float] = {}
    for part in accept_encoding.decode("latin-1").split(","):
        name, _, parameters = part.partition(";")
        key, _, value = parameters.strip().partition("=")
        try:
            weight = float(value) if key.strip().lower() == "q" else 1.0
        except ValueError:
            weight = 0.0
        weights.setdefault(name.strip().lower(), weight)
    if "*" in weights:
        weights.setdefault("gzip", weights["*"])
    identity = weights.get("identity", 0.0)
    best = max(_PREFERENCE, key=lambda name: weights.get(name, 0.0))
    weight = weights.get(best, 0.0)
    return best if weight > 0 and weight >= identity else ""


class Compression:
    """Compresses what comes out of `app`; bodies that stream are compressed as they stream."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        encoding = negotiate_encoding(seen_headers(scope).get(b"accept-encoding", b""))
        return await self._app(scope, receive, _Answer(encoding, send))


class _Answer:
    """One answer on its way out. The start waits for the first piece of the body, which tells the size."""

    def __init__(self, encoding: str, send: Send) -> None:
        self._encoding = encoding
        self._send = send
        self._start: Message | None = None
        self._compressor: Compressor | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._start is not None:
            start, self._start = self._start, None
            body = await self._begin(start, body, more)
        elif self._compressor is not None:
            body = self._compressor.add(body) + (b"" if more else self._compressor.end())
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _begin(self, start: Message, body: bytes, more: bool) -> bytes:
        headers: Headers = list(start["headers"])
        if compressible(start["status"], headers):
            headers.append((b"vary", b"Accept-Encoding"))
            if self._encoding and (more or len(body) >= MINIMUM):
                self._compressor = compressor(self._encoding)
                body = self._compressor.add(body) + (b"" if more else self._compressor.end())
                headers = encoded(headers, self._encoding, None if more else len(body))
        await self._send({**start, "headers": headers})
        return body


def compressible(status: int, headers: Headers) -> bool:
    """Whether an answer may be compressed: text of some kind, not yet encoded, and not a part of something."""
    if status in (204, 206, 304) or header(headers, b"content-encoding") is not None:
        return False
    media_type = (header(headers, b"content-type") or b"").decode("latin-1")
    if not media_type.startswith(_TYPES) or media_type.startswith(_NEVER):
        return False
    return b"no-transform" not in (header(headers, b"cache-control") or b"")


def encoded(headers: Headers, encoding: str, length: int | None) -> Headers:
    """The headers of the encoded body. It is another sequence of bytes, so a strong ETag becomes another one."""
    tag = header(headers, b"etag")
    changed = without(headers, b"content-length", b"etag", b"accept-ranges")
    changed.append((b"content-encoding", encoding.encode()))
    if length is not None:
        changed.append((b"content-length", str(length).encode()))
    if tag is not None:
        changed.append((b"etag", tag if tag.startswith(b"W/") else tag[:-1] + b"-" + encoding.encode() + b'"'))
    return changed
