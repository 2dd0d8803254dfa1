"""How products and categories lie in their tables."""

from sqlalchemy.orm import registry, relationship

from caddy_shopping.contexts.products.domain.category import Category
from caddy_shopping.contexts.products.domain.product import Product, Variant
from caddy_shopping.contexts.products.infrastructure import tables


def map_products() -> None:
    """Teach the domain classes where they are kept. Harmless when called again."""
    if hasattr(Product, "__mapper__"):
        return
    mapper = registry()
    mapper.map_imperatively(
        Category, tables.categories, version_id_col=tables.categories.c.version, version_id_generator=False
    )
    mapper.map_imperatively(Variant, tables.variants)
    mapper.map_imperatively(
        Product,
        tables.products,
        # Moves with every reservation, by statement: the aggregate must never write it.
        exclude_properties=["in_stock"],
        version_id_col=tables.products.c.version,
        version_id_generator=False,
        properties={
            # Never loaded: it makes a new category be written before the products in it.
            "_category": relationship(Category, lazy="raise"),
            "variants": relationship(
                Variant,
                lazy="selectin",
                cascade="all, delete-orphan",
                order_by=(tables.variants.c.archived, tables.variants.c.position),
            ),
        },
    )
