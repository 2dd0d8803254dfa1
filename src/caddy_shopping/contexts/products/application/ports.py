"""What a transaction of the catalogue holds, and where pictures are kept."""

from typing import Protocol

from caddy_shopping.contexts.products.domain.category import Categories
from caddy_shopping.contexts.products.domain.product import Catalogue
from caddy_shopping.contexts.products.domain.stock import Stock
from caddy_shopping.kernel.unit_of_work import Transaction

MANAGE = "products:manage"
"""The permission of those who keep the catalogue and its stock."""


class ProductsTransaction(Transaction, Protocol):
    products: Catalogue
    categories: Categories
    stock: Stock


class Media(Protocol):
    """A store of pictures, which never change once they are stored."""

    async def store(self, name: str, content: bytes) -> None:
        """Keep `content` under `name`. Storing the same name again is harmless."""
        ...

    async def load(self, name: str) -> bytes:
        """Raises `MediaNotFound`."""
        ...
