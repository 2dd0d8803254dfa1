"""Facts that a context tells the others, after they were committed."""

from typing import ClassVar
from uuid import UUID

import msgspec

from caddy_shopping.kernel.errors import PreconditionFailed


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that happened. Subclasses live in `contracts/` and are named in the past tense.

    `topic` is the context that says it, `schema_version` counts incompatible changes of the fields.
    """

    topic: ClassVar[str]
    schema_version: ClassVar[int] = 1

    @property
    def key(self) -> UUID:
        """Id of the aggregate; events of one key are delivered in the order they were committed."""
        raise TypeError(f"{type(self).__name__} does not say which aggregate it is about")


class Aggregate:
    """Root of a consistency boundary: remembers what happened to it until the unit of work asks.

    `version` is the optimistic lock and the ETag. It moves with every change of the root *or of its
    children*, since an edited child row alone would not touch the root's row.
    """

    version: int

    def record(self, event: Event) -> None:
        """Remember `event` for the outbox, and mark the root as changed."""
        self.__dict__.setdefault("_recorded", []).append(event)
        self.touch()

    def touch(self) -> None:
        """Mark the root as changed where there is nothing to tell anybody."""
        self.version += 1

    def take_events(self) -> list[Event]:
        """Hand over what was recorded since the last call."""
        recorded: list[Event] = self.__dict__.pop("_recorded", [])
        return recorded


def check_version(aggregate: Aggregate, version: int | None) -> None:
    """Refuse a change that was made on an older copy (`If-Match`); None means the caller does not mind."""
    if version is not None and aggregate.version != version:
        raise PreconditionFailed()
