"""Change a line of the cart."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.show_cart import show
from caddy_shopping.contexts.orders.application.views import CartView
from caddy_shopping.contracts.products import Products
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ChangeCartItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is None stays as it is."""

    actor: Actor
    item_id: UUID
    quantity: int | None = None
    selected: bool | None = None


class ChangeCartItemHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    products: Products

    async def __call__(self, command: ChangeCartItem) -> CartView:
        """Set the quantity of a line, or select or deselect it."""
        async with self.uow() as tx:
            cart = await tx.carts.get(command.actor.user_id)
            line = cart.line(command.item_id)
            if command.quantity is not None:
                line.quantity = command.quantity
            if command.selected is not None:
                line.selected = command.selected
            await tx.carts.put(cart, line)
        return await show(cart.lines, self.products, command.actor.language)
