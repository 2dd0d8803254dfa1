"""Choose which lines of the cart are to be ordered."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.show_cart import show
from caddy_shopping.contexts.orders.application.views import CartView
from caddy_shopping.contracts.products import Products
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class SelectCartItems(msgspec.Struct, frozen=True, kw_only=True):
    """`item_ids` None means every line."""

    actor: Actor
    selected: bool
    item_ids: list[UUID] | None = None


class SelectCartItemsHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    products: Products

    async def __call__(self, command: SelectCartItems) -> CartView:
        """Select or deselect some lines, or all of them where none is named."""
        async with self.uow() as tx:
            cart = await tx.carts.get(command.actor.user_id)
            chosen = cart.lines if command.item_ids is None else [cart.line(each) for each in command.item_ids]
            if chosen:
                await tx.carts.select(cart, chosen, command.selected)
            for line in chosen:
                line.selected = command.selected
        return await show(cart.lines, self.products, command.actor.language)
