"""What may be asked of a cache, whatever is behind it."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
EVERYTHING = "*"
"""The tag that every entry has."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """For how many seconds a value is kept at most, should nobody say that it changed.

    `memory`: in one process; `shared`: in Redis; `absent`: that there is no such thing, in either.
    """

    memory: float = 60.0
    shared: float = 3600.0
    absent: float = 30.0


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T_co]):
    """What a loader found, None where there is none, and what it was made of: a change of any of `tags` ends it."""

    value: T_co | None
    tags: frozenset[str]


Load = Callable[[], Awaitable[Loaded[T]]]


@dataclass(frozen=True, slots=True)
class Stats:
    """Entries and bytes in this process's memory, and entries in Redis (None where there is none to ask)."""

    entries: int
    size: int
    shared: int | None


class Cache(Protocol):
    """Values by key, each loaded once however many ask for it at the same time."""

    async def get(self, key: str, kind: Any, load: Load[T], lifetime: Lifetime) -> T | None:
        """The value of `key`, of the type `kind`: kept, or loaded now. Raises what `load` raises, and keeps no error.

        `kind` is what msgspec decodes to; a value goes through its bytes, so that nobody can change it for others.
        """
        ...

    def forget(self, tags: Collection[str]) -> None:
        """Say that something changed. This process forgets at once, the others as soon as they are told.

        Also what is being loaded at this moment is not kept.
        """
        ...

    async def clear(self) -> None:
        """Forget everything, everywhere."""
        ...

    async def stats(self) -> Stats:
        """How much there is."""
        ...
