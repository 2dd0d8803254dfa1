"""A product becomes what staff say it is."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from caddy_shopping.contexts.products.application.checks import check_skus
from caddy_shopping.contexts.products.application.ports import MANAGE, ProductsTransaction
from caddy_shopping.contexts.products.application.views import StaffProduct
from caddy_shopping.contexts.products.domain.errors import SlugTaken
from caddy_shopping.contexts.products.domain.product import Image, Product
from caddy_shopping.contexts.products.domain.slug import slug_of
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class DetailChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `ProductDetails` that become something else; what is unset stays."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    vendor: str | UnsetType = UNSET
    product_type: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    category_id: UUID | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    seo_title: str | UnsetType = UNSET
    seo_description: str | UnsetType = UNSET

    def applied(self, details: ProductDetails) -> ProductDetails:
        given = {name: getattr(self, name) for name in self.__struct_fields__ if getattr(self, name) is not UNSET}
        return msgspec.structs.replace(details, **given)


class ChangeProduct(msgspec.Struct, frozen=True, kw_only=True):
    """None means: leave it. `variants` is the whole offer; one that it does not name is archived."""

    actor: Actor
    product_id: UUID
    version: int
    details: DetailChanges = DetailChanges()
    slug: str | None = None
    options: tuple[str, ...] | None = None
    variants: tuple[VariantSpec, ...] | None = None
    images: tuple[Image, ...] | None = None


class ChangeProductHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    clock: Clock

    async def __call__(self, command: ChangeProduct) -> StaffProduct:
        """Change a product.

        `variants` replaces the whole offer: a variant is recognised by its id, else its SKU, else its option
        values, and keeps its stock; one that is not named any more is archived.
        """
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            product = await tx.products.get(command.product_id)
            check_version(product, command.version)
            details = command.details.applied(product.details)
            if details.category_id is not None and details.category_id != product.category_id:
                await tx.categories.get(details.category_id)
            product.change(
                self.clock.now(),
                slug=await self._slug(tx, product, command.slug),
                details=details,
                offer=await self._offer(tx, product, command),
                images=command.images,
            )
            return StaffProduct.of(product)

    async def _slug(self, tx: ProductsTransaction, product: Product, given: str | None) -> str | None:
        wanted = slug_of(given or "")
        if wanted in ("", product.slug):
            return None
        if await tx.products.free_slug(wanted) != wanted:
            raise SlugTaken(slug=wanted)
        return wanted

    async def _offer(
        self, tx: ProductsTransaction, product: Product, command: ChangeProduct
    ) -> tuple[Sequence[str], Sequence[VariantSpec]] | None:
        if command.options is None and command.variants is None:
            return None
        options = product.options if command.options is None else command.options
        if command.variants is None:
            return options, [variant.spec() for variant in product.offered]
        await check_skus(tx, command.variants, product.id)
        return options, command.variants
