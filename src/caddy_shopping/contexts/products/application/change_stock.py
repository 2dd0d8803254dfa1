"""Stock is corrected by hand."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.application.ports import MANAGE, ProductsTransaction
from caddy_shopping.contexts.products.application.views import StockView
from caddy_shopping.contexts.products.domain.stock import Movement, Reason
from caddy_shopping.contracts.products import StockChanged
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ChangeStock(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    variant_id: UUID
    delta: int
    reason: Reason
    note: str = ""


class ChangeStockHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    clock: Clock

    async def __call__(self, command: ChangeStock) -> StockView:
        """Change the stock of a variant by hand.

        `delta` is added to what is on the shelf, never below zero; what is reserved or sold is not touched.
        Each change is a line in the ledger, with its reason and who made it.
        """
        command.actor.require(MANAGE)
        movement = Movement(
            variant_id=command.variant_id,
            delta=command.delta,
            reason=command.reason,
            note=command.note,
            actor_id=command.actor.id,
            at=self.clock.now(),
        )
        async with self.uow() as tx:
            product_id, stock = await tx.stock.change(movement)
            tx.publish(StockChanged(product_id=product_id, variant_id=command.variant_id, stock=stock))
            return tx.reply(StockView.of(product_id, stock, movement))
