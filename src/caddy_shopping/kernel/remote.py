"""What a contract says of its methods for the case that they are answered by another process."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
DEADLINE = 2.0
"""Seconds in which a method answers, unless it says otherwise."""


def answers_within(seconds: float) -> Callable[[F], F]:
    """Give a contract's method another deadline: tries, pauses and all."""

    def mark(method: F) -> F:
        vars(method)["deadline"] = seconds
        return method

    return mark


def deadline_of(method: Callable[..., Any]) -> float:
    """Seconds in which a contract's method answers."""
    seconds: float = vars(method).get("deadline", DEADLINE)
    return seconds
