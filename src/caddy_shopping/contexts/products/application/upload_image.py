"""A product gets a picture."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.products.application.ports import MANAGE, Media, ProductsTransaction
from caddy_shopping.contexts.products.application.views import StaffProduct
from caddy_shopping.contexts.products.domain.pictures import name_of
from caddy_shopping.contexts.products.domain.product import Image
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.unit_of_work import UnitOfWork

MEDIA_URL = "/api/v1/products/media/"


class UploadImage(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    product_id: UUID
    version: int
    content: bytes
    alt: str = ""


class UploadImageHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]
    media: Media
    clock: Clock

    async def __call__(self, command: UploadImage) -> StaffProduct:
        """Add a picture to a product.

        A PNG, JPEG, WebP or GIF of at most 5 MiB, told by its content. It goes behind the other pictures and is
        served under an address that never changes. The same picture again changes nothing but its text.
        """
        command.actor.require(MANAGE)
        image = Image(MEDIA_URL + name_of(command.content), command.alt)
        # Outside the transaction, since a disk may be slow. Should the rest fail, a file is left that nobody names.
        await self.media.store(image.url.removeprefix(MEDIA_URL), command.content)
        async with self.uow() as tx:
            product = await tx.products.get(command.product_id)
            check_version(product, command.version)
            others = [each for each in product.images if each.url != image.url]
            product.change(self.clock.now(), images=[*others, image])
            return StaffProduct.of(product)
