"""By what the catalogue's readers are told that what they keep is not true any more."""

from collections.abc import Collection
from uuid import UUID

CATALOGUE = "products"
"""Products or categories were changed: prices, texts, pictures, which there are."""
LISTS = "products.lists"
"""Something is in stock that was not, or the other way round."""
_STOCK = "products.stock."


def stock_of(variant_id: UUID) -> str:
    """So many pieces of a variant can be had, and now it is another number."""
    return f"{_STOCK}{variant_id}"


def only_stock(tags: Collection[str]) -> bool:
    """Whether no more happened than that a number of pieces moved, as with every order."""
    return all(tag.startswith(_STOCK) for tag in tags)
