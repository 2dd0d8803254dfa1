"""The cart as its owner sees it: current prices and availability, and what changed since."""

from collections.abc import Sequence

import msgspec

from caddy_shopping.contexts.orders.application.queries import OrderQueries
from caddy_shopping.contexts.orders.application.views import CartItemView, CartView, CartWarning
from caddy_shopping.contexts.orders.domain.cart import CartLine
from caddy_shopping.contracts.products import Products, VariantView
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.money import Money

_WORDS = {
    "PRICE_CHANGED": ("The price was {was} when you put it in, it is {now} now.", "价格已由 {was} 变为 {now}。"),
    "OUT_OF_STOCK": ("It is sold out at the moment.", "暂时缺货。"),
    "LOW_STOCK": ("Only {left} left.", "仅剩 {left} 件。"),
    "NO_LONGER_SOLD": ("It is not sold any more.", "该商品已停售。"),
}


class ShowCart(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor


class ShowCartHandler(msgspec.Struct, frozen=True):
    queries: OrderQueries
    products: Products

    async def __call__(self, command: ShowCart) -> CartView:
        """Show the cart with current prices, availability and a warning on each line that changed."""
        lines = await self.queries.cart_lines(command.actor.user_id)
        return await show(lines, self.products, command.actor.language)


async def show(
    lines: Sequence[CartLine], products: Products, language: str, known: Sequence[VariantView] = ()
) -> CartView:
    """The answer for `lines`; asks products only for variants that are not `known` already."""
    variants = {variant.id: variant for variant in known}
    missing = [line.variant_id for line in lines if line.variant_id not in variants]
    if missing:
        variants |= {variant.id: variant for variant in await products.get_variants(variant_ids=missing)}
    items = [_item(line, variants.get(line.variant_id), language) for line in lines]
    selected = [item for item in items if item.selected]
    return CartView(
        items=items,
        quantity=sum(item.quantity for item in items),
        selected_quantity=sum(item.quantity for item in selected),
        subtotal=_subtotal([item.total for item in selected if item.total is not None]),
    )


def _item(line: CartLine, variant: VariantView | None, language: str) -> CartItemView:
    return CartItemView(
        id=line.id,
        variant_id=line.variant_id,
        quantity=line.quantity,
        selected=line.selected,
        added_at=line.added_at,
        added_price=line.price,
        variant=variant,
        total=variant.price * line.quantity if variant and variant.sellable else None,
        warnings=_warnings(line, variant, language),
    )


def _warnings(line: CartLine, variant: VariantView | None, language: str) -> list[CartWarning]:
    if variant is None or not variant.sellable:
        return [_warning("NO_LONGER_SOLD", language)]
    found = []
    if variant.price != line.price:
        found.append(_warning("PRICE_CHANGED", language, was=line.price, now=variant.price))
    if variant.tracked and variant.available <= 0:
        found.append(_warning("OUT_OF_STOCK", language))
    elif variant.tracked and variant.available < line.quantity:
        found.append(_warning("LOW_STOCK", language, left=variant.available))
    return found


def _warning(code: str, language: str, **values: object) -> CartWarning:
    en, zh = _WORDS[code]
    return CartWarning(code, (zh if language == "zh" else en).format(**values))


def _subtotal(totals: Sequence[Money]) -> Money | None:
    """None where nothing counts, or where a product's currency was changed and there is no one sum."""
    if len({total.currency for total in totals}) != 1:
        return None
    return Money.sum(totals, totals[0].currency)
