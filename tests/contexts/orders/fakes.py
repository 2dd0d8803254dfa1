"""The neighbours of the orders context: the shared fakes, watched."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from caddy_shopping.contracts.products import Reservation, ReservationLine, VariantView
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.execution import execution
from tests.support.fakes.products import FakeProducts, a_variant_view


def a_variant(
    price: int = 9900,
    *,
    currency: str = "CNY",
    stock: int = 100,
    title: str = "Blue shirt",
    grams: int = 300,
    taxable: bool = True,
    sellable: bool = True,
    requires_shipping: bool = True,
    categories: list[UUID] | None = None,
) -> VariantView:
    """Size L of something."""
    variant = a_variant_view(
        price,
        stock=stock,
        title=title,
        options=["L"],
        taxable=taxable,
        sellable=sellable,
        requires_shipping=requires_shipping,
        weight_grams=grams,
        category_ids=categories or [],
    )
    return msgspec.structs.replace(variant, price=Money(price, currency))


def _outside_of_transactions() -> None:
    run = execution.get()
    assert run is None or not run.open_units, "another context was called inside a unit of work"


@dataclass
class WatchedProducts(FakeProducts):
    """`before_reserve` and `on_reserve` run before and after each reservation: the moments to do something mean."""

    calls: list[str] = field(default_factory=list)
    before_reserve: Callable[[], object] | None = None
    on_reserve: Callable[[UUID], Awaitable[None]] | None = None
    release_fails: Exception | None = None

    @property
    def reservations(self) -> list[UUID]:
        """Orders that hold stock."""
        return [order_id for order_id in self.held if order_id not in self.released]

    def change(self, variant: VariantView, **changes: object) -> VariantView:
        return self.put(msgspec.structs.replace(self.variants[variant.id], **changes))

    async def get_variants(self, *, variant_ids: list[UUID]) -> list[VariantView]:
        _outside_of_transactions()
        self.calls.append("get_variants")
        return await super().get_variants(variant_ids=variant_ids)

    async def reserve(self, *, order_id: UUID, lines: list[ReservationLine], ttl_seconds: int) -> Reservation:
        _outside_of_transactions()
        self.calls.append("reserve")
        if self.before_reserve is not None:
            self.before_reserve()
        reservation = await super().reserve(order_id=order_id, lines=lines, ttl_seconds=ttl_seconds)
        if self.on_reserve is not None:
            await self.on_reserve(order_id)
        return reservation

    async def release(self, *, order_id: UUID) -> None:
        _outside_of_transactions()
        if self.release_fails is not None:
            raise self.release_fails
        await super().release(order_id=order_id)
