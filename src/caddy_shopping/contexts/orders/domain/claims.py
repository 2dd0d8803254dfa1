"""Which ids are orders, decided once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Claims(Protocol):
    """The fence between placing an order and giving its stock back: one row an id decides."""

    async def place(self, order_id: UUID, number: str, now: datetime) -> None:
        """Claim the id and the number for an order.

        Raises `OrderTimedOut` where the id was refused before, `ConcurrentChange` where the number is another's.
        """
        ...

    async def settle(self, order_ids: Sequence[UUID], now: datetime) -> tuple[list[UUID], list[UUID]]:
        """(placed, refused): ids that are no order are refused from now on."""
        ...

    async def purge(self, refused_before: datetime, limit: int) -> int:
        """Forget up to `limit` ids that were refused before; how many. An id that is an order stays."""
        ...
