"""Stock is set aside for an order."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.application.ports import ProductsTransaction
from caddy_shopping.contexts.products.application.queries import ProductQueries
from caddy_shopping.contexts.products.domain.errors import QuantityInvalid
from caddy_shopping.contexts.products.domain.specs import MAX_STOCK
from caddy_shopping.contexts.products.domain.stock import AlreadyReserved, ShelfItem, State, TakenLine, demand
from caddy_shopping.contracts.products import (
    OutOfStock,
    PriceMoved,
    Reservation,
    ReservationGone,
    ReservationLine,
    VariantNotFound,
    VariantView,
)
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import Detail
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ReserveStock(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID
    lines: list[ReservationLine]
    ttl_seconds: int


class ReserveStockHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    queries: ProductQueries
    clock: Clock

    async def __call__(self, command: ReserveStock) -> Reservation:
        """Take stock off the shelf for an order, all lines or none; the first call for an order stands.

        Raises `VariantNotFound`, `PriceMoved`, `OutOfStock` (each naming every line it is about), `QuantityInvalid`,
        and `ReservationGone` where the order's reservation was given back before.
        """
        lines = command.lines
        if not lines or not all(1 <= line.quantity <= MAX_STOCK for line in lines):
            raise QuantityInvalid(most=MAX_STOCK)
        try:
            return await self._reserve(command)
        except AlreadyReserved:
            # A second call is rare, so the first does not pay for asking.
            return await self._reserved(command.order_id)

    async def _reserve(self, command: ReserveStock) -> Reservation:
        now = self.clock.now()
        expires_at = now + timedelta(seconds=command.ttl_seconds)
        async with self.uow() as tx:
            try:
                taken, variants = await _take_all(tx, command.lines)
            except (OutOfStock, PriceMoved, VariantNotFound):
                # A second call finds the shelf as the first one left it.
                if await tx.stock.reservation(command.order_id) is not None:
                    raise AlreadyReserved from None
                raise
            await tx.stock.hold(command.order_id, taken, expires_at, now)
        lines = [ReservationLine(line.variant_id, line.quantity) for line in taken]
        return Reservation(command.order_id, lines, expires_at, variants)

    async def _reserved(self, order_id: UUID) -> Reservation:
        async with self.uow() as tx:
            held = await tx.stock.reservation(order_id)
        if held is None or held.state is State.RELEASED:
            raise ReservationGone()
        variants = await self.queries.variants([line.variant_id for line in held.lines])
        return Reservation(order_id, held.lines, held.expires_at, sorted(variants, key=lambda variant: variant.id))


async def _take_all(
    tx: ProductsTransaction, lines: Sequence[ReservationLine]
) -> tuple[list[TakenLine], list[VariantView]]:
    """What was taken, and the variants as they are afterwards."""
    wanted = demand(lines)
    shelf = await tx.stock.shelf(wanted)
    missing = [
        Detail(f"/lines/{i}/variantId", VariantNotFound.code, VariantNotFound.en)
        for i, line in enumerate(lines)
        if line.variant_id not in shelf
    ]
    if missing:
        raise VariantNotFound(details=missing)
    _check_prices(lines, shelf)
    short = [item for item in shelf.values() if item.limited and item.stock < wanted[item.id]]
    if short:
        raise _out_of_stock(short, wanted, lines)
    taken = [_taken(shelf[variant_id], quantity) for variant_id, quantity in wanted.items()]
    await tx.stock.take({line.variant_id: line.taken for line in taken if line.taken})
    return taken, [_left(shelf[line.variant_id], line) for line in taken]


def _check_prices(lines: Sequence[ReservationLine], shelf: Mapping[UUID, ShelfItem]) -> None:
    moved = {
        i: shelf[line.variant_id].sku
        for i, line in enumerate(lines)
        if line.price not in (None, shelf[line.variant_id].view.price)
    }
    if moved:
        details = [Detail(f"/lines/{i}/price", PriceMoved.code, str(PriceMoved(sku=sku))) for i, sku in moved.items()]
        raise PriceMoved(details=details, sku=next(iter(moved.values())))


def _taken(item: ShelfItem, quantity: int) -> TakenLine:
    enough = item.tracked and item.stock >= quantity
    return TakenLine(item.id, quantity, quantity if enough else 0, last=enough and item.stock == quantity)


def _left(item: ShelfItem, line: TakenLine) -> VariantView:
    return msgspec.structs.replace(item.view, available=item.stock - line.taken)


def _out_of_stock(short: list[ShelfItem], wanted: dict[UUID, int], lines: Sequence[ReservationLine]) -> OutOfStock:
    def error(item: ShelfItem, details: Sequence[Detail] = ()) -> OutOfStock:
        return OutOfStock(details=details, sku=item.sku, wanted=wanted[item.id], available=item.stock)

    errors = {item.id: str(error(item)) for item in short}
    details = [
        Detail(f"/lines/{i}/quantity", OutOfStock.code, errors[line.variant_id])
        for i, line in enumerate(lines)
        if line.variant_id in errors
    ]
    return error(short[0], details)
