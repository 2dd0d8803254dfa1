"""The request and trace that the running code belongs to (W3C Trace Context)."""

import re
import secrets
from contextvars import ContextVar, Token
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Trace:
    """`request_id` is what a caller quotes; `traceparent` what travels to the next hop."""

    request_id: str
    traceparent: str


current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def traceparent() -> str | None:
    """The current traceparent header value, or None outside any request."""
    trace = current.get()
    return trace.traceparent if trace else None


def request_id() -> str | None:
    """The current request's id, or None outside any request."""
    trace = current.get()
    return trace.request_id if trace else None


def new_traceparent(*, sampled: bool = True) -> str:
    """The root of a new trace: version 00, 16-byte trace id, 8-byte span id."""
    fresh = secrets.token_hex(24)
    return f"00-{fresh[:32]}-{fresh[32:]}-{'01' if sampled else '00'}"


def sane(parent: str | None) -> str | None:
    """The header's value, or None where it is none that could be continued: then a trace begins."""
    return parent if parent is not None and _TRACEPARENT.fullmatch(parent) else None


def continue_from(parent: str | None) -> Token[Trace | None]:
    """Make work that a message caused part of the trace that sent it. Reset `current` with the token."""
    known = sane(parent)
    return current.set(None if known is None else Trace(request_id=known[3:35], traceparent=known))
