"""What becomes of reserved stock once its order is paid, cancelled, or comes back."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.application.ports import ProductsTransaction
from caddy_shopping.contexts.products.domain.stock import State, demand
from caddy_shopping.contracts.products import ReservationGone, ReservationLine
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ReleaseStock(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID


class SellStock(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID


class CancelSale(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` is what the order still had: pieces that were restocked before are not in it."""

    order_id: UUID
    lines: list[ReservationLine]


class RestockReturn(msgspec.Struct, frozen=True, kw_only=True):
    order_id: UUID
    return_id: UUID
    lines: list[ReservationLine]


class ReleaseStockHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]

    async def __call__(self, command: ReleaseStock) -> None:
        """Give an order's reserved stock back; nothing where nothing is reserved (any more)."""
        async with self.uow() as tx:
            await tx.stock.release([command.order_id])


class SellStockHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]

    async def __call__(self, command: SellStock) -> None:
        """Book an order's reserved stock as sold.

        Raises `ReservationGone` where there is none: orders bars an order id before its stock is given
        back (`Orders.settle`), so a paid order without a reservation is for a person to look at.
        """
        async with self.uow() as tx:
            if await tx.stock.sell(command.order_id):
                return
            held = await tx.stock.reservation(command.order_id)
            if held is None or held.state is not State.SOLD:
                raise ReservationGone()


class CancelSaleHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    clock: Clock

    async def __call__(self, command: CancelSale) -> None:
        """Put a cancelled order's stock back on the shelf once: all that was reserved, or of what was sold the rest."""
        async with self.uow() as tx:
            if not await tx.stock.release([command.order_id]):
                await tx.stock.unsell(command.order_id, demand(command.lines), self.clock.now())


class RestockReturnHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    clock: Clock

    async def __call__(self, command: RestockReturn) -> None:
        """Put goods that came back on the shelf again, once per return."""
        async with self.uow() as tx:
            await tx.stock.restock(command.order_id, command.return_id, demand(command.lines), self.clock.now())
