"""What lies on the shelf, what is set aside for an order, and the ledger of changes made by hand."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contracts.products import ReservationLine, VariantView


class State(StrEnum):
    """HELD until a deadline → CLAIMED once an order is known to stand → SOLD when paid; → RELEASED from each."""

    HELD = "held"
    CLAIMED = "claimed"
    SOLD = "sold"
    RELEASED = "released"


WAITING = (State.HELD, State.CLAIMED)
"""The states in which stock is set aside and may still be given back."""


class Reason(StrEnum):
    """Why stock was changed other than by a sale. The first is written for a new variant's stock."""

    OPENING = "opening"
    RECEIVED = "received"
    CORRECTION = "correction"
    DAMAGED = "damaged"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    IMPORTED = "imported"


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger. `reference` names what caused it and, with the variant, is unique."""

    variant_id: UUID
    delta: int
    reason: Reason
    at: datetime
    note: str = ""
    reference: str | None = None
    actor_id: UUID | None = None


class ShelfItem(msgspec.Struct, frozen=True):
    """A variant as reserving needs to know it, and the `view` that others have of it."""

    id: UUID
    sku: str
    stock: int
    tracked: bool
    oversell: bool
    view: VariantView

    @property
    def limited(self) -> bool:
        """No more of it can be sold than there is."""
        return self.tracked and not self.oversell


class AlreadyReserved(Exception):
    """There is a reservation for this order."""


class Held(msgspec.Struct, frozen=True):
    """A reservation as it stands."""

    order_id: UUID
    state: State
    expires_at: datetime
    lines: list[ReservationLine]


class TakenLine(msgspec.Struct, frozen=True):
    """`taken` of `quantity` comes off the shelf: all, or none where stock does not matter. `last`: it is empty then."""

    variant_id: UUID
    quantity: int
    taken: int
    last: bool


def demand(lines: Iterable[ReservationLine]) -> dict[UUID, int]:
    """What is wanted of each variant, summed, in the order of the ids."""
    wanted: dict[UUID, int] = {}
    for line in lines:
        wanted[line.variant_id] = wanted.get(line.variant_id, 0) + line.quantity
    return dict(sorted(wanted.items()))


class Stock(Protocol):
    """Moves units between stock, reserved and sold. Each change carries its own condition, whatever was read before."""

    async def reservation(self, order_id: UUID) -> Held | None: ...

    async def shelf(self, variant_ids: Iterable[UUID]) -> dict[UUID, ShelfItem]:
        """Those that may be bought at all (product active, variant not archived), held for us in the order of ids."""
        ...

    async def take(self, units: Mapping[UUID, int]) -> None:
        """stock → reserved, on the condition that there is enough of each. Raises `ConcurrentChange` where not."""
        ...

    async def hold(self, order_id: UUID, lines: Sequence[TakenLine], expires_at: datetime, now: datetime) -> None:
        """Write down what was taken for an order. Raises `AlreadyReserved`, and then nothing was taken."""
        ...

    async def claim(self, order_ids: Sequence[UUID]) -> None:
        """HELD → CLAIMED: their orders stand, so no deadline counts any more."""
        ...

    async def release(self, order_ids: Sequence[UUID]) -> int:
        """reserved → stock for those that still wait; how many did."""
        ...

    async def sell(self, order_id: UUID) -> bool:
        """reserved → sold. False where the reservation was not waiting."""
        ...

    async def unsell(self, order_id: UUID, left: Mapping[UUID, int], now: datetime) -> bool:
        """sold → stock, with ledger lines, for those of the `left` units (by variant) that came off the shelf.

        False where the reservation was not SOLD.
        """
        ...

    async def restock(self, order_id: UUID, return_id: UUID, units: Mapping[UUID, int], now: datetime) -> bool:
        """sold → stock for goods that came back, as far as the order took them off the shelf, once per return.

        False where the return is in the ledger.
        """
        ...

    async def change(self, movement: Movement) -> tuple[UUID, int]:
        """Apply `movement` and write it down; the product's id and the stock there is now.

        Raises `VariantNotFound`, `StockBelowZero`.
        """
        ...

    async def purge(self, due_before: datetime, limit: int) -> int:
        """Forget up to `limit` RELEASED reservations whose deadline was before; how many."""
        ...
