"""The tree of categories."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from caddy_shopping.contexts.products.domain.errors import CategoryLoop, CategoryTooDeep
from caddy_shopping.kernel.events import Aggregate
from caddy_shopping.kernel.ids import new_id

MAX_DEPTH = 8


@dataclass(eq=False)
class Category(Aggregate):
    """A node. `path` is the ids from the root down to here, each 32 hex digits and a slash.

    So "with everything below" is one prefix: `path LIKE 'this path%'`.
    """

    id: UUID
    slug: str
    name: str
    path: str
    parent_id: UUID | None = None
    position: int = 0
    version: int = 1

    @classmethod
    def create(cls, slug: str, name: str, parent: "Category | None" = None, position: int = 0) -> "Category":
        category = cls(new_id(), slug, name, "", position=position)
        category._place(parent)
        return category

    def rename(self, slug: str, name: str) -> None:
        self.slug, self.name = slug, name
        self.touch()

    def reorder(self, position: int) -> None:
        """Take another place among its siblings (they are shown by position, then name)."""
        self.position = position
        self.touch()

    def move(self, parent: "Category | None") -> None:
        """Hang this and all below it under `parent` (None: top). Raises `CategoryLoop`, `CategoryTooDeep`.

        The paths below are for the repository to move (`Categories.move_below`).
        """
        if parent is not None and parent.path.startswith(self.path):
            raise CategoryLoop()
        self._place(parent)
        self.touch()

    def _place(self, parent: "Category | None") -> None:
        above = "" if parent is None else parent.path
        if above.count("/") >= MAX_DEPTH:
            raise CategoryTooDeep(depth=MAX_DEPTH)
        self.parent_id = None if parent is None else parent.id
        self.path = f"{above}{self.id.hex}/"


def ids_of(path: str) -> list[UUID]:
    """The ids of a path, from the category itself up to its root."""
    return [UUID(part) for part in reversed(path.split("/")) if part]


class Categories(Protocol):
    async def get(self, category_id: UUID) -> Category:
        """Raises `CategoryNotFound`."""
        ...

    async def find_by_slug(self, slug: str) -> Category | None: ...

    def add(self, category: Category) -> None: ...

    async def remove(self, category: Category) -> None:
        """Raises `CategoryInUse` while products or categories hang on it."""
        ...

    async def deepest_below(self, path: str) -> int:
        """How many levels the subtree at `path` has, itself included."""
        ...

    async def moved(self, category: Category, old_path: str) -> None:
        """Carry a new path (or slug) on to everything below, and to the labels of the products there."""
        ...
