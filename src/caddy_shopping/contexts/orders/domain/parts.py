"""What an order consists of besides itself: address, lines, refunds, history."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.domain.errors import NotReturnable
from caddy_shopping.contexts.orders.domain.pricing import PricedLine
from caddy_shopping.contracts.orders import OrderLineFact
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.text import is_visible

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Address(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Where an order goes. `country` is ISO 3166-1 alpha-2."""

    name: Text
    line1: Text
    city: Text
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$(?!\n)", examples=["CN"])]
    line2: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    region: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    postal_code: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    phone: Annotated[str, msgspec.Meta(max_length=40)] | None = None

    def __post_init__(self) -> None:
        if not all(map(is_visible, (self.name, self.line1, self.city))):
            raise ValueError("an address has a visible name, line1 and city")


@dataclass(eq=False)
class OrderLine:
    """A snapshot of what was bought, so that the order reads the same whatever becomes of the product.

    `total` is what the buyer pays for the line, tax included. `returned` units came back,
    `restocked` of them fit for sale.
    """

    id: UUID
    position: int
    variant_id: UUID
    product_id: UUID
    sku: str
    title: str
    options: list[str]
    image_url: str | None
    quantity: int
    unit_price: Money
    tax_rate: str
    tax: Money
    total: Money
    returned: int = 0
    restocked: int = 0

    @classmethod
    def of(cls, position: int, line: PricedLine) -> "OrderLine":
        variant = line.variant
        return cls(
            id=new_id(),
            position=position,
            variant_id=variant.id,
            product_id=variant.product_id,
            sku=variant.sku,
            title=variant.title,
            options=list(variant.options),
            image_url=variant.image_url,
            quantity=line.quantity,
            unit_price=variant.price,
            tax_rate=f"{float(line.rate):.6g}",
            tax=line.tax,
            total=line.total,
        )

    def worth(self, units: int) -> Money:
        """What the first `units` of it cost; all of them cost `total`, to the last minor unit."""
        return Money.sum(self.total.split([1] * self.quantity)[:units], self.total.currency)

    def fact(self, quantity: int | None = None) -> OrderLineFact:
        """The line, or `quantity` of it, as other contexts see it."""
        units = self.quantity if quantity is None else quantity
        total = self.total if units == self.quantity else self.worth(units)
        return OrderLineFact(variant_id=self.variant_id, sku=self.sku, title=self.title, quantity=units, total=total)


class RefundStatus(StrEnum):
    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"


class RefundPart(msgspec.Struct, frozen=True, rename="camel"):
    """How much of one line a refund covers; `amount` in minor units."""

    line_id: UUID
    quantity: int
    amount: int


@dataclass(eq=False)
class Refund:
    """Money asked back from payments. `surplus` money never counted as paid: it came late, twice or wrong."""

    id: UUID
    payment_id: UUID | None
    amount: Money
    reason: str
    surplus: bool
    parts: list[RefundPart]
    requested_at: datetime
    requested_by: UUID | None
    status: RefundStatus = RefundStatus.PENDING
    settled_at: datetime | None = None
    failure: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it uses up what the buyer paid: pending or done, and of the order's own payment."""
        return not self.surplus and self.status is not RefundStatus.FAILED


def given_back(refunds: Sequence[Refund], line: OrderLine) -> tuple[int, int]:
    """Units of a line, and minor units of its money, that refunds pending or done use up."""
    parts = [part for refund in refunds if refund.counts for part in refund.parts if part.line_id == line.id]
    return sum(part.quantity for part in parts), sum(part.amount for part in parts)


def part_of(refunds: Sequence[Refund], line: OrderLine, quantity: int) -> RefundPart:
    """What `quantity` more of a line cost, so that all parts add up to its total. Raises `NotReturnable`."""
    units, amount = given_back(refunds, line)
    if quantity > line.quantity - units:
        raise NotReturnable(sku=line.sku, left=line.quantity - units, quantity=quantity)
    return RefundPart(line.id, quantity, max(0, line.worth(units + quantity).amount - amount))


def fits(refunds: Sequence[Refund], line: OrderLine, part: RefundPart) -> bool:
    """Whether the line has the units and the money of a part that does not count yet."""
    units, amount = given_back(refunds, line)
    return units + part.quantity <= line.quantity and amount + part.amount <= line.total.amount


def listed(facts: Sequence[OrderLineFact]) -> str:
    return ", ".join(f"{fact.quantity} × {fact.sku}" for fact in facts)


def summed(units: Sequence[tuple[UUID, int]]) -> dict[UUID, int]:
    """Units by line id, where a line may be named more than once."""
    total: Counter[UUID] = Counter()
    for line_id, quantity in units:
        total[line_id] += quantity
    return dict(total)


@dataclass(eq=False)
class HistoryEntry:
    """Who did what to the order, and when. Only ever added."""

    at: datetime
    actor_id: UUID | None
    actor_role: str
    action: str
    detail: str | None
    id: UUID = field(default_factory=new_id)

    @classmethod
    def by(cls, actor: Actor, action: str, detail: str | None, now: datetime) -> "HistoryEntry":
        return cls(now, actor.id, str(actor.role), action, detail)
