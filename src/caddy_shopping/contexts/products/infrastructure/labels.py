"""Keeps ready, in the transaction that changes a product, all that the list and search know of it."""

import html
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Update,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from caddy_shopping.contexts.products.domain.category import ids_of
from caddy_shopping.contexts.products.domain.product import Product, Variant
from caddy_shopping.contexts.products.domain.slug import search_key
from caddy_shopping.contexts.products.domain.stock import Reason
from caddy_shopping.contexts.products.infrastructure.tables import (
    categories,
    labels,
    movements,
    products,
    texts,
    variants,
)
from caddy_shopping.kernel.ids import new_id

_BLOCK = re.compile(r"</?(?:p|div|br|hr|li|[uod]l|d[td]|t[dhr]|table|h[1-6]|section|pre|blockquote)\b[^>]*>", re.I)
_TAG = re.compile(r"<[^>]*>")
_buyable = (
    exists()
    .where(
        variants.c.product_id == products.c.id,
        ~variants.c.archived,
        or_(variants.c.stock > 0, ~variants.c.tracked, variants.c.oversell),
    )
    .correlate(products)
)
_above = categories.alias("above")


def refresh(connection: Connection, new: Sequence[Product], changed: Sequence[Product], added: set[Variant]) -> None:
    """After a flush: opening stock into the ledger, labels, texts and stock flags of what was written."""
    touched = [*new, *changed]
    opening = [_opening(v, p) for p in touched for v in p.variants if v in added and v.stock > 0]
    if opening:
        connection.execute(insert(movements), opening)
    if changed:
        connection.execute(delete(labels).where(labels.c.product_id.in_([p.id for p in changed])))
    rows = _label_rows(connection, [product for product in touched if product.is_active])
    if rows:
        connection.execute(insert(labels), rows)
    if new:
        connection.execute(insert(texts), [{"product_id": p.id, "body": _body(p)} for p in new])
    for product in changed:
        connection.execute(update(texts).where(texts.c.product_id == product.id).values(body=_body(product)))
    connection.execute(stock_flags([product.id for product in touched]))


def stock_flags(product_ids: Sequence[UUID] | Select[tuple[UUID]]) -> Update:
    """UPDATE of `products.in_stock`, which writes only where the flag is wrong."""
    flag = case((_buyable, True), else_=False)
    return update(products).where(products.c.id.in_(product_ids), products.c.in_stock != flag).values(in_stock=flag)


def relabel_below(path: str) -> list[Any]:
    """Statements that write the category labels anew for all active products at `path` and below."""
    here = and_(products.c.category_id == categories.c.id, below(path))
    return [
        delete(labels).where(labels.c.kind == "category", labels.c.product_id.in_(select(products.c.id).where(here))),
        insert(labels).from_select(
            ["kind", "value", "product_id", "min_price_amount", "title_key"],
            select(
                literal("category"), _above.c.slug, products.c.id, products.c.min_price_amount, products.c.title_key
            ).where(
                here,
                products.c.is_active,
                func.substr(categories.c.path, 1, func.length(_above.c.path)) == _above.c.path,
            ),
        ),
    ]


def below(path: str | ScalarSelect[str]) -> ColumnElement[bool]:
    """The condition on `categories` for `path` and everything under it: a range of the path's index."""
    return and_(categories.c.path >= path, categories.c.path < path + "~")


def _label_rows(connection: Connection, active: Sequence[Product]) -> list[dict[str, Any]]:
    slugs = _slugs_above(connection, {product.category_id for product in active if product.category_id})
    rows = []
    for product in active:
        named = {("category", slug) for slug in slugs.get(product.category_id, ())}
        named |= {("tag", tag) for tag in product.tags}
        named |= {("vendor", product.vendor)} if product.vendor else set()
        named |= {("type", product.product_type)} if product.product_type else set()
        for variant in product.offered:
            named |= {
                ("option", f"{name}:{value}") for name, value in zip(product.options, variant.options, strict=True)
            }
        rows += [
            {
                "kind": kind,
                "value": value,
                "product_id": product.id,
                "min_price_amount": product.min_price_amount,
                "title_key": product.title_key,
            }
            for kind, value in named
        ]
    return rows


def _slugs_above(connection: Connection, category_ids: set[UUID]) -> dict[UUID | None, list[str]]:
    """For each category, the slugs of itself and all above it."""
    if not category_ids:
        return {}
    found = connection.execute(select(categories.c.id, categories.c.path).where(categories.c.id.in_(category_ids)))
    chains = {row.id: ids_of(row.path) for row in found}
    wanted = {category_id for chain in chains.values() for category_id in chain}
    found = connection.execute(select(categories.c.id, categories.c.slug).where(categories.c.id.in_(wanted)))
    slugs = {row.id: row.slug for row in found}
    return {category_id: [slugs[above] for above in chain] for category_id, chain in chains.items()}


def _body(product: Product) -> str:
    """Everything that search looks through, as plain folded text."""
    # Only what begins a new line parts words: 透<b>气</b> is one.
    plain = html.unescape(_TAG.sub("", _BLOCK.sub(" ", product.description)))
    skus = [variant.sku for variant in product.offered]
    parts = [product.title, product.vendor, product.product_type, *product.tags, *skus, plain]
    return search_key("\n".join(parts))


def _opening(variant: Variant, product: Product) -> dict[str, Any]:
    return {
        "id": new_id(),
        "variant_id": variant.id,
        "delta": variant.stock,
        "reason": Reason.OPENING,
        "note": "",
        "reference": None,
        "actor_id": None,
        "at": product.updated_at,
    }
