"""What several use cases check before they save."""

from collections.abc import Sequence
from uuid import UUID

from caddy_shopping.contexts.products.application.ports import ProductsTransaction
from caddy_shopping.contexts.products.domain.errors import SkuTaken
from caddy_shopping.contexts.products.domain.specs import VariantSpec


async def check_skus(tx: ProductsTransaction, variants: Sequence[VariantSpec], product_id: UUID | None = None) -> None:
    """Raise `SkuTaken` for a SKU that belongs to another product than `product_id`."""
    skus = [spec.sku for spec in variants if spec.sku]
    taken = await tx.products.taken_skus(skus, product_id) if skus else set()
    if taken:
        raise SkuTaken(sku=min(taken))
