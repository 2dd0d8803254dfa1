"""One process at a time, as a rule: what spares work that was done twice, and never what makes it right.

A lock runs out while its holder sleeps, and Redis may forget it. So each holder gets a token, greater than those
before, and what is written under the lock refuses a token that is smaller than one it has seen (M. Kleppmann, "How to
do distributed locking", 2016: fencing).
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Held:
    """The caller holds the lock `name`, with this fencing `token`."""

    name: str
    token: int


class Locks(Protocol):
    """Locks by name. None of them is waited for."""

    def held(self, name: str, seconds: float) -> AbstractAsyncContextManager[Held | None]:
        """Hold `name` for the block; None where somebody else does. Renewed while the block runs.

        `seconds`: how long the others wait for a holder who died. Where Redis is away everybody holds every lock.
        """
        ...

    async def record(self, held: Held, seconds: float) -> None:
        """Write down, for so long, that what the lock is for is done.

        Raises `TokenRefused` where somebody else has held the lock since: they have done it, or are at it.
        """
        ...

    async def recorded(self, name: str) -> bool:
        """Whether that is written down."""
        ...


class TokenRefused(RuntimeError):
    """A write came too late: somebody else has held the lock since."""

    def __init__(self, held: Held) -> None:
        super().__init__(f"{held.name}: token {held.token} was overtaken; what it wanted to write is not written")
