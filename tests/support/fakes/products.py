"""The products context, for tests of the others."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from caddy_shopping.contracts.products import (
    OutOfStock,
    PriceMoved,
    Reservation,
    ReservationGone,
    ReservationLine,
    VariantNotFound,
    VariantView,
)
from caddy_shopping.kernel.errors import Detail, Invalid
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money


def a_variant_view(price: int = 9900, *, stock: int = 5, **more: Any) -> VariantView:
    """A variant that is for sale, at 99.00 yuan."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "product_id": new_id(),
        "product_slug": "wool-jumper",
        "title": "Wool jumper",
        "options": [],
        "sku": f"SKU-{new_id().hex[-8:]}",
        "price": Money(price, "CNY"),
        "available": stock,
        "tracked": True,
        "sellable": True,
        "taxable": True,
        "requires_shipping": True,
        "weight_grams": 500,
        "category_ids": [],
    }
    return VariantView(**fields | more)


@dataclass
class FakeProducts:
    """Satisfies `contracts.products.Products`. `put` places variants; `held` and `released` say what orders hold."""

    variants: dict[UUID, VariantView] = field(default_factory=dict)
    held: dict[UUID, Reservation] = field(default_factory=dict)
    released: set[UUID] = field(default_factory=set)
    now: datetime = datetime(2026, 3, 14, 9, 26, 53, 589793, UTC)

    def put(self, variant: VariantView | None = None) -> VariantView:
        variant = variant or a_variant_view()
        self.variants[variant.id] = variant
        return variant

    async def get_variants(self, *, variant_ids: list[UUID]) -> list[VariantView]:
        return [self.variants[variant_id] for variant_id in dict.fromkeys(variant_ids) if variant_id in self.variants]

    async def reserve(self, *, order_id: UUID, lines: list[ReservationLine], ttl_seconds: int) -> Reservation:
        if not lines or any(line.quantity < 1 for line in lines):
            raise Invalid()
        if order_id in self.released:
            raise ReservationGone()
        if order_id not in self.held:
            self.held[order_id] = self._take(order_id, lines, self.now + timedelta(seconds=ttl_seconds))
        return self.held[order_id]

    async def release(self, *, order_id: UUID) -> None:
        if order_id not in self.held or order_id in self.released:
            return
        self.released.add(order_id)
        for line in self.held[order_id].lines:
            self._move(line.variant_id, line.quantity)

    def _take(self, order_id: UUID, lines: list[ReservationLine], expires_at: datetime) -> Reservation:
        wanted: dict[UUID, int] = {}
        for line in lines:
            wanted[line.variant_id] = wanted.get(line.variant_id, 0) + line.quantity
        found = {key: self.variants[key] for key in wanted if key in self.variants and self.variants[key].sellable}
        missing = [i for i, line in enumerate(lines) if line.variant_id not in found]
        if missing:
            raise VariantNotFound(details=[Detail(f"/lines/{i}/variantId", "VARIANT_NOT_FOUND", "") for i in missing])
        moved = [i for i, line in enumerate(lines) if line.price not in (None, found[line.variant_id].price)]
        if moved:
            raise PriceMoved(details=[Detail(f"/lines/{i}/price", "PRICE_MOVED", "") for i in moved], sku="moved")
        short = [each for each in found.values() if each.tracked and each.available < wanted[each.id]]
        if short:
            ids = {each.id for each in short}
            details = [
                Detail(f"/lines/{i}/quantity", "OUT_OF_STOCK", "")
                for i, line in enumerate(lines)
                if line.variant_id in ids
            ]
            first = short[0]
            raise OutOfStock(details=details, sku=first.sku, wanted=wanted[first.id], available=first.available)
        for variant_id, quantity in wanted.items():
            self._move(variant_id, -quantity)
        in_order = sorted(wanted.items())
        views = [self.variants[variant_id] for variant_id, _ in in_order]
        return Reservation(order_id, [ReservationLine(*pair) for pair in in_order], expires_at, views)

    def _move(self, variant_id: UUID, pieces: int) -> None:
        variant = self.variants[variant_id]
        if variant.tracked:
            self.variants[variant_id] = msgspec.structs.replace(variant, available=variant.available + pieces)
