"""Public answers kept in memory, ready to send (RFC 9111, as far as a cache inside the origin needs it).

Kept is what says `Cache-Control: public, max-age=N`: such an answer is the same for every caller, signed in or
not. It is kept compressed, per language and encoding, so that serving it again costs some microseconds.
"""

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic

from caddy_shopping.kernel.languages import negotiate
from caddy_shopping.platform.http.asgi import App, Headers, Message, Receive, Scope, Send, header, seen_headers, without
from caddy_shopping.platform.http.compression import negotiate_encoding
from caddy_shopping.platform.http.conditional import matching
from caddy_shopping.platform.telemetry.metrics import Metrics
from caddy_shopping.platform.telemetry.tally import Tally

Variant = tuple[str, str]
"""Language and encoding."""
Key = tuple[str, bytes, Variant]
_PUBLIC = re.compile(rb"\bpublic\b.*?\bmax-age=(\d{1,8})|\bmax-age=(\d{1,8})\b.*?\bpublic\b")
_KNOWN_VARY = frozenset((b"accept-encoding", b"accept-language", b"origin"))
_OVERHEAD = 1024
"""Bytes that an entry takes beside its body, roughly."""


@dataclass(slots=True)
class Entry:
    """One answer, ready to be sent again until `expires` (monotonic seconds)."""

    headers: Headers
    body: bytes
    tag: bytes
    stored: float
    expires: float
    route: str
    ready: Headers | None = None
    """`headers` with those of whoever sends the entry, put together at the first time."""
    end: Message = field(init=False)
    """The body as it is sent."""

    def __post_init__(self) -> None:
        self.end = {"type": "http.response.body", "body": self.body, "more_body": False}

    @property
    def size(self) -> int:
        return len(self.body) + _OVERHEAD


class ResponseCache:
    """Least recently used goes first when `entries` or `size` (bytes) is exceeded."""

    def __init__(self, app: App, metrics: Metrics, *, entries: int, size: int) -> None:
        self._app = app
        self._limit, self._bytes = entries, size
        self._used = 0
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._loading: dict[Key, asyncio.Future[Entry | None]] = {}
        # Paths whose answers were public before: only there is it worth waiting for another's answer.
        self._public: OrderedDict[str, None] = OrderedDict()
        self._generation = 0
        self._looked_up = Tally(
            "http_response_cache", "GETs looked up: hit, miss or shared.", "result", ("hit", "miss", "shared")
        )
        metrics.registry.register(self._looked_up)

    def clear(self) -> None:
        """Forget everything; what is being loaded at this moment is not kept either."""
        self._generation += 1
        self._entries.clear()
        self._loading.clear()
        self._used = 0

    def find(self, scope: Scope, seen: dict[bytes, bytes]) -> Entry | None:
        """The answer to a GET, if it is here; counted as a hit."""
        key = _key(scope, seen)
        entry = self._entries.get(key)
        if entry is None or entry.expires <= monotonic():
            return None
        self._entries.move_to_end(key)
        self._looked_up.count("hit")
        return entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not self._limit:
            return await self._app(scope, receive, send)
        seen = seen_headers(scope)
        entry = self.find(scope, seen)
        if entry is not None:
            return await _serve(entry, seen.get(b"if-none-match"), scope, send)
        return await self._fetch(_key(scope, seen), scope, receive, send)

    async def _fetch(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        if key[0] not in self._public:
            self._looked_up.count("miss")
            await self._load(key, scope, receive, send)
            return
        loading = self._loading.get(key)
        if loading is not None:
            self._looked_up.count("shared")
            entry = await asyncio.shield(loading)
            if entry is not None:
                await _serve(entry, seen_headers(scope).get(b"if-none-match"), scope, send)
                return
            await self._app(scope, receive, send)
            return
        self._looked_up.count("miss")
        loading = self._loading[key] = asyncio.get_running_loop().create_future()
        entry = None
        try:
            entry = await self._load(key, scope, receive, send)
        finally:
            loading.set_result(entry)
            if self._loading.get(key) is loading:
                del self._loading[key]

    async def _load(self, key: Key, scope: Scope, receive: Receive, send: Send) -> Entry | None:
        """Let the application answer; keep a copy if the answer may be kept."""
        generation = self._generation
        known = seen_headers(scope).get(b"if-none-match")
        if key[0] in self._public and known is not None:
            # We want the whole answer, to keep it; whether the caller has it already is decided here.
            scope["headers"] = without(list(scope["headers"]), b"if-none-match")
        else:
            known = None
        recorder = _Recorder(send, self._bytes // 8, holding=known is not None)
        await self._app(scope, receive, recorder)
        age = recorder.max_age
        if age is None:
            await recorder.release()
            return None
        self._remember(key[0])
        entry = recorder.entry(age, scope.get("path_template", ""))
        if entry is None:
            await recorder.release()
            return None
        if generation == self._generation:
            self._keep(key, entry)
        if recorder.holding:
            await _serve(entry, known, scope, send)
        return entry

    def _keep(self, key: Key, entry: Entry) -> None:
        replaced = self._entries.pop(key, None)
        self._used += entry.size - (replaced.size if replaced else 0)
        self._entries[key] = entry
        while self._entries and (len(self._entries) > self._limit or self._used > self._bytes):
            _, dropped = self._entries.popitem(last=False)
            self._used -= dropped.size

    def _remember(self, path: str) -> None:
        self._public[path] = None
        self._public.move_to_end(path)
        if len(self._public) > 4 * self._limit:
            self._public.popitem(last=False)


class _Recorder:
    """Passes an answer on and keeps a copy; while `holding`, keeps it only."""

    def __init__(self, send: Send, limit: int, *, holding: bool) -> None:
        self.holding = holding
        self.max_age: int | None = None
        self._send = send
        self._limit = limit
        self._start: Message | None = None
        self._messages: list[Message] = []
        self._body: list[bytes] = []
        self._size = 0
        self._whole = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            self.max_age = _max_age(message)
        elif self.max_age is not None and message["type"] == "http.response.body":
            body = message.get("body", b"")
            self._size += len(body)
            if self._size <= self._limit:
                self._body.append(body)
                self._whole = not message.get("more_body", False)
        if self.holding:
            self._messages.append(message)
        else:
            await self._send(message)

    async def release(self) -> None:
        """Send what was held back."""
        for message in self._messages:
            await self._send(message)

    def entry(self, age: int, route: str) -> Entry | None:
        """The copy, or None where it is not a whole 200 of bearable size."""
        if self._start is None or self._start["status"] != 200 or not self._whole or self._size > self._limit:
            return None
        headers = [(name.lower(), value) for name, value in self._start["headers"]]
        now = monotonic()
        return Entry(headers, b"".join(self._body), header(headers, b"etag") or b"", now, now + age, route)


def _max_age(start: Message) -> int | None:
    """For how many seconds an answer may be kept; None where it is not for everybody."""
    headers: Headers = start["headers"]
    found = _PUBLIC.search(header(headers, b"cache-control") or b"")
    if found is None or start["status"] not in (200, 304) or header(headers, b"set-cookie") is not None:
        return None
    vary = {part.strip().lower() for name, value in headers if name.lower() == b"vary" for part in value.split(b",")}
    return None if vary - _KNOWN_VARY else int(found[1] or found[2])


def _key(scope: Scope, seen: dict[bytes, bytes]) -> Key:
    variant = _variant(seen.get(b"accept-language"), seen.get(b"accept-encoding", b""))
    return scope["path"], scope["query_string"], variant


@lru_cache(maxsize=512)
def _variant(accept_language: bytes | None, accept_encoding: bytes) -> Variant:
    language = negotiate(None if accept_language is None else accept_language.decode("latin-1"))
    return language, negotiate_encoding(accept_encoding)


async def _serve(entry: Entry, if_none_match: bytes | None, scope: Scope, send: Send) -> None:
    scope["path_template"] = entry.route
    age = (b"age", b"%d" % (monotonic() - entry.stored))
    if (
        if_none_match is not None
        and entry.tag
        and matching(if_none_match.decode("latin-1"), entry.tag.decode("latin-1"))
    ):
        headers = without(entry.headers, b"content-length", b"content-type", b"content-encoding")
        await send({"type": "http.response.start", "status": 304, "headers": [*headers, age]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [*entry.headers, age]})
    await send(entry.end)
