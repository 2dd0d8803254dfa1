"""The request and trace that the running code belongs to (W3C Trace Context)."""

import secrets
from contextvars import ContextVar, Token
from dataclasses import dataclass


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


def new_traceparent() -> str:
    """The root of a new trace, sampled: version 00, 16-byte trace id, 8-byte span id."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def continue_from(parent: str | None) -> Token[Trace | None]:
    """Make work that a message caused part of the trace that sent it. Reset `current` with the token."""
    if parent is None:
        return current.set(None)
    return current.set(Trace(request_id=parent.split("-")[1], traceparent=parent))
