"""A product enters the catalogue."""

import msgspec

from caddy_shopping.contexts.products.application.checks import check_skus
from caddy_shopping.contexts.products.application.ports import MANAGE, ProductsTransaction
from caddy_shopping.contexts.products.application.views import StaffProduct
from caddy_shopping.contexts.products.domain.errors import SlugTaken
from caddy_shopping.contexts.products.domain.product import Image, Product
from caddy_shopping.contexts.products.domain.slug import slug_of
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class CreateProduct(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    details: ProductDetails
    variants: tuple[VariantSpec, ...]
    options: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    slug: str | None = None


class CreateProductHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    clock: Clock
    currency: str

    async def __call__(self, command: CreateProduct) -> StaffProduct:
        """Put a product into the catalogue.

        Without a slug one is made from the title; without a SKU a variant gets one. A variant's `stock` is
        its opening stock; later changes go through the ledger.
        """
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            slug = await self._slug(tx, command)
            await check_skus(tx, command.variants)
            if command.details.category_id is not None:
                await tx.categories.get(command.details.category_id)
            product = Product.create(
                slug,
                command.details,
                command.options,
                command.variants,
                command.images,
                self.currency,
                self.clock.now(),
            )
            tx.products.add(product)
            return tx.reply(StaffProduct.of(product))

    async def _slug(self, tx: ProductsTransaction, command: CreateProduct) -> str:
        wanted = slug_of(command.slug or command.details.title)
        free = await tx.products.free_slug(wanted)
        if command.slug and free != wanted:
            raise SlugTaken(slug=wanted)
        return free
