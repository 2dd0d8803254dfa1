"""Take something out of the cart, or everything."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.show_cart import show
from caddy_shopping.contexts.orders.application.views import CartView
from caddy_shopping.contracts.products import Products
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class RemoveCartItems(msgspec.Struct, frozen=True, kw_only=True):
    """`item_id` None means every line."""

    actor: Actor
    item_id: UUID | None = None


class RemoveCartItemsHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    products: Products

    async def __call__(self, command: RemoveCartItems) -> CartView:
        """Remove one line, or clear the cart."""
        user_id = command.actor.user_id
        async with self.uow() as tx:
            cart = await tx.carts.get(user_id)
            chosen = cart.lines if command.item_id is None else [cart.line(command.item_id)]
            if chosen:
                await tx.carts.remove(user_id, chosen)
            for line in chosen:
                line.removed = True
        return await show(cart.lines, self.products, command.actor.language)
