"""What holds for every call of another context, wherever it is."""

from contextvars import ContextVar
from time import monotonic

from caddy_shopping.platform.db.unit_of_work import UnitOfWorkMisuse
from caddy_shopping.platform.execution import execution

deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When (monotonic seconds) the caller of the running code gives up; None where nobody called from another process."""


def outside_of_units(name: str) -> None:
    """Raise `UnitOfWorkMisuse` inside an open unit of work: a transaction must not wait for a network."""
    run = execution.get()
    if run is not None and run.open_units:
        raise UnitOfWorkMisuse(f"{name}() belongs to another context: call it before the unit of work opens")


def seconds_left(most: float) -> float:
    """How long a call may take: `most`, or what our own caller's patience leaves of it."""
    end = deadline.get()
    return most if end is None else min(most, end - monotonic())
