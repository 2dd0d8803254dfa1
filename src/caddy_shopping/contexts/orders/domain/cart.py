"""A person's cart: what they think of buying. It belongs to a user id; a guest has one too."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from caddy_shopping.contexts.orders.domain.errors import CartFull, CartItemNotFound, CurrenciesMixed, QuantityTooLarge
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money

MAX_QUANTITY = 999
MAX_LINES = 100


@dataclass(eq=False, slots=True)
class CartLine:
    """One variant in a cart. `price` is what it cost when it was put in; `version` 0 means not stored yet.

    A removed line stays as a row and is revived when the same variant is put in again.
    """

    id: UUID
    variant_id: UUID
    quantity: int
    price: Money
    added_at: datetime
    selected: bool = True
    removed: bool = False
    version: int = 0


@dataclass(eq=False, slots=True)
class Cart:
    """The live lines of one person, and removed ones that may be revived."""

    user_id: UUID
    stored: list[CartLine] = field(default_factory=list)

    @property
    def lines(self) -> list[CartLine]:
        """What is in the cart, oldest first."""
        live = [line for line in self.stored if not line.removed]
        return sorted(live, key=lambda line: (line.added_at, line.id))

    def line(self, line_id: UUID) -> CartLine:
        """Raises `CartItemNotFound`."""
        for line in self.stored:
            if line.id == line_id and not line.removed:
                return line
        raise CartItemNotFound()

    def add(self, variant_id: UUID, quantity: int, price: Money, now: datetime) -> CartLine:
        """Put `quantity` more of a variant in. Raises `QuantityTooLarge`, `CartFull` or `CurrenciesMixed`."""
        line = next((line for line in self.stored if line.variant_id == variant_id), None)
        held = 0 if line is None or line.removed else line.quantity
        if held + quantity > MAX_QUANTITY:
            raise QuantityTooLarge(limit=MAX_QUANTITY, quantity=held + quantity)
        if not held and len(self.lines) >= MAX_LINES:
            raise CartFull(limit=MAX_LINES)
        self._same_currency(variant_id, price)
        if line is None:
            line = CartLine(new_id(), variant_id, quantity, price, now)
            self.stored.append(line)
        else:
            line.added_at = line.added_at if held else now
            line.quantity, line.price, line.selected, line.removed = held + quantity, price, True, False
        return line

    def absorb(self, other: "Cart", now: datetime) -> list[CartLine]:
        """Take over what another cart holds, as far as this one has room; the changed lines."""
        changed = []
        for theirs in other.lines:
            mine = next((line for line in self.lines if line.variant_id == theirs.variant_id), None)
            room = MAX_QUANTITY - (mine.quantity if mine else 0)
            if room and (mine or len(self.lines) < MAX_LINES) and self._fits(theirs.price):
                line = self.add(theirs.variant_id, min(theirs.quantity, room), theirs.price, now)
                line.selected = theirs.selected
                changed.append(line)
        return changed

    def _fits(self, price: Money) -> bool:
        return all(line.price.currency == price.currency for line in self.lines)

    def _same_currency(self, variant_id: UUID, price: Money) -> None:
        for line in self.lines:
            if line.variant_id != variant_id and line.price.currency != price.currency:
                raise CurrenciesMixed(left=line.price.currency, right=price.currency)


class Carts(Protocol):
    async def get(self, user_id: UUID, variant_ids: Sequence[UUID] = ()) -> Cart:
        """The person's cart, with the removed lines of `variant_ids`; an empty one where there is none."""
        ...

    async def put(self, cart: Cart, line: CartLine) -> None:
        """Store a new or changed line. Raises `ConcurrentChange` where somebody else changed it meanwhile."""
        ...

    async def select(self, cart: Cart, lines: Sequence[CartLine], selected: bool) -> None:
        """Mark lines as selected or not."""
        ...

    async def remove(self, user_id: UUID, lines: Sequence[CartLine]) -> None:
        """Take lines out as they were read. Raises `CartChanged` where one of them is not like that any more."""
        ...
