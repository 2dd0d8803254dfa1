"""The steps of a trace, as the code names them.

What makes and exports them (`otlp.py`) is loaded only where traces are exported; elsewhere, `Spans | None` is None.
Names follow OpenTelemetry's semantic conventions. No attribute holds anything that a person typed: no names, addresses,
queries or bodies, and of a fault its class alone, never its text.
"""

from collections.abc import Mapping
from enum import Enum
from types import TracebackType
from typing import Protocol, Self, TypeAlias

Notes: TypeAlias = Mapping[str, str | int]
Expected: TypeAlias = tuple[type[BaseException], ...]


class Kind(Enum):
    """Which end of what a span is, by OpenTelemetry's names."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Span(Protocol):
    """One step: `with` it, and what runs inside is its children.

    An exception that leaves it makes it failed, unless it is an answer: a refusal, or one that was `expected`.
    """

    traceparent: str
    """What makes another step, here or elsewhere, a child of this one."""
    sampled: bool
    """Whether it is exported. Where not, all that is said of it goes nowhere."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

    def rename(self, name: str) -> None: ...

    def note(self, name: str, value: str | int) -> None: ...

    def fail(self, kind: str) -> None:
        """It came to nothing; `kind` is a class of faults, e.g. a status code or the name of an exception."""
        ...


class Spans(Protocol):
    """Makes spans. `start` and `stop` it with the process; before and after, nothing is exported."""

    def span(self, name: str, kind: Kind = Kind.INTERNAL, notes: Notes | None = None, expected: Expected = ()) -> Span:
        """A step of the current trace; the first of a new one, where there is none."""
        ...

    def caused_by(
        self, parent: str | None, name: str, kind: Kind, notes: Notes | None = None, expected: Expected = ()
    ) -> Span:
        """A step of the trace that a message came from: `parent` is its traceparent, or None."""
        ...

    def start(self) -> None: ...

    async def stop(self) -> None:
        """Send what is left, for some seconds at most. Safe without a start."""
        ...
