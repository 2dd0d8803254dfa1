"""Put something into the cart."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.contexts.orders.application.show_cart import show
from caddy_shopping.contexts.orders.application.views import CartView
from caddy_shopping.contexts.orders.domain.errors import NoLongerSold
from caddy_shopping.contracts.products import Products, VariantNotFound
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class AddToCart(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    variant_id: UUID
    quantity: int


class AddToCartHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock
    products: Products

    async def __call__(self, command: AddToCart) -> CartView:
        """Put a variant into the cart; what is there already adds up. Stock is checked when ordering."""
        user_id = command.actor.user_id
        known = await self.products.get_variants(variant_ids=[command.variant_id])
        if not known:
            raise VariantNotFound()
        variant = known[0]
        if not variant.sellable:
            raise NoLongerSold(sku=variant.sku)
        async with self.uow() as tx:
            cart = await tx.carts.get(user_id, [variant.id])
            line = cart.add(variant.id, command.quantity, variant.price, self.clock.now())
            await tx.carts.put(cart, line)
        return await show(cart.lines, self.products, command.actor.language, known)
