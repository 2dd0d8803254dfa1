"""What is about to be ordered: the selected lines of a cart with their variants as they are now."""

from collections.abc import Iterable
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

    @classmethod
    def of(cls, lines: list[CartLine], variants: Iterable[VariantView]) -> "Selection":
        """`variants` are those of the lines, in whatever order."""
        known = {variant.id: variant for variant in variants}
        return cls(lines, [(known[line.variant_id], line.quantity) for line in lines])


async def select_for_order(queries: OrderQueries, products: Products, user_id: UUID, language: str) -> Selection:
    """Raises `CartEmpty`, or `NoLongerSold` with a detail for each line that cannot be had."""
    lines = await selected_lines(queries, user_id)
    return Selection.of(lines, await variants_of(lines, products, language))


async def selected_lines(queries: OrderQueries, user_id: UUID) -> list[CartLine]:
    """Raises `CartEmpty`."""
    lines = [line for line in await queries.cart_lines(user_id) if line.selected]
    if not lines:
        raise CartEmpty()
    return lines


async def variants_of(lines: list[CartLine], products: Products, language: str) -> list[VariantView]:
    """Raises `NoLongerSold` with a detail for each line that cannot be had."""
    found = await products.get_variants(variant_ids=[line.variant_id for line in lines])
    sold = {variant.id for variant in found if variant.sellable}
    skus = {variant.id: variant.sku for variant in found}
    gone = [(line, skus.get(line.variant_id, str(line.variant_id))) for line in lines if line.variant_id not in sold]
    if gone:
        details = [
            Detail(f"/cart/items/{line.id}", NoLongerSold.code, NoLongerSold(sku=sku).message(language))
            for line, sku in gone
        ]
        raise NoLongerSold(sku=gone[0][1], details=details)
    return found
