"""A product goes off sale."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.application.ports import MANAGE, ProductsTransaction
from caddy_shopping.contexts.products.application.views import StaffProduct
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ArchiveProduct(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    product_id: UUID
    version: int


class ArchiveProductHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    clock: Clock

    async def __call__(self, command: ArchiveProduct) -> StaffProduct:
        """Take a product off sale.

        It leaves the shop but not the books: orders that name it stay readable. Set its status to bring it back.
        """
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            product = await tx.products.get(command.product_id)
            check_version(product, command.version)
            product.archive(self.clock.now())
            return StaffProduct.of(product)
