"""How a context says which events it reacts to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from caddy_shopping.kernel.events import Event

E = TypeVar("E", bound=Event)
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Consumer:
    """One reaction of one context. `name` (`payments.void-payment`) is its inbox, and begins with the context."""

    name: str
    event: type[Event]
    command: Callable[[Any], Any]
    handler: Callable[[Any], Awaitable[object]]
    together: bool = False

    @property
    def context(self) -> str:
        """The context that reacts."""
        return self.name.partition(".")[0]


def on(
    event: type[E],
    name: str,
    handler: Callable[[C], Awaitable[object]],
    command: Callable[[E], C],
    *,
    together: bool = False,
) -> Consumer:
    """When `event` arrives, turn it into a command and run `handler` with it, effect once.

    The handler opens at most one unit of work: its effect and the inbox row commit together. With `together` it may
    share its transaction with other reactions, which is far cheaper: say so where it only adds rows, and so can
    neither wait for others nor make them wait.
    """
    return Consumer(name, event, command, handler, together)
