"""A variant's row as the other contexts see it."""

from typing import Any

from caddy_shopping.contexts.products.domain.category import ids_of
from caddy_shopping.contracts.products import VariantView
from caddy_shopping.kernel.money import Money


def variant_view(row: Any) -> VariantView:
    """A variant that may be oversold is not limited, so it shows as untracked.

    `row` has the variant's columns, and of its product `slug title is_active product_image_url` and the `path` of
    its category.
    """
    before = row.compare_at_amount
    return VariantView(
        id=row.id,
        product_id=row.product_id,
        product_slug=row.slug,
        title=row.title,
        options=row.options,
        sku=row.sku,
        price=Money(row.price_amount, row.currency),
        available=row.stock,
        tracked=row.tracked and not row.oversell,
        sellable=row.is_active and not row.archived,
        taxable=row.taxable,
        requires_shipping=row.requires_shipping,
        weight_grams=row.weight_grams,
        category_ids=ids_of(row.path or ""),
        compare_at_price=None if before is None else Money(before, row.currency),
        image_url=row.image_url or row.product_image_url,
    )
