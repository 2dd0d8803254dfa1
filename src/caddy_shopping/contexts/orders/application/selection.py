"""What is about to be ordered: the selected lines of a cart with their variants as they are now."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.queries import OrderQueries
from caddy_shopping.contexts.orders.domain.cart import CartLine
from caddy_shopping.contexts.orders.domain.errors import CartEmpty, NoLongerSold
from caddy_shopping.contracts.products import Products, VariantView
from caddy_shopping.kernel.errors import Detail


class Selection(msgspec.Struct, frozen=True):
    lines: list[CartLine]
    items: list[tuple[VariantView, int]]


async def select_for_order(queries: OrderQueries, products: Products, user_id: UUID, language: str) -> Selection:
    """Raises `CartEmpty`, or `NoLongerSold` with a detail for each line that cannot be had."""
    lines = [line for line in await queries.cart_lines(user_id) if line.selected]
    if not lines:
        raise CartEmpty()
    found = await products.get_variants(variant_ids=[line.variant_id for line in lines])
    variants = {variant.id: variant for variant in found if variant.sellable}
    skus = {variant.id: variant.sku for variant in found}
    gone = [
        (line, skus.get(line.variant_id, str(line.variant_id))) for line in lines if line.variant_id not in variants
    ]
    if gone:
        details = [
            Detail(f"/cart/items/{line.id}", NoLongerSold.code, NoLongerSold(sku=sku).message(language))
            for line, sku in gone
        ]
        raise NoLongerSold(sku=gone[0][1], details=details)
    return Selection(lines, [(variants[line.variant_id], line.quantity) for line in lines])
