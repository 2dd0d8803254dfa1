"""Making, changing and removing categories."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from caddy_shopping.contexts.products.application.ports import MANAGE, ProductsTransaction
from caddy_shopping.contexts.products.application.views import CategoryView
from caddy_shopping.contexts.products.domain.category import MAX_DEPTH, Category
from caddy_shopping.contexts.products.domain.errors import CategoryTooDeep, SlugTaken
from caddy_shopping.contexts.products.domain.slug import slug_of
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class CreateCategory(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    name: str
    slug: str | None = None
    parent_id: UUID | None = None
    position: int = 0


class ChangeCategory(msgspec.Struct, frozen=True, kw_only=True):
    """What is unset stays; `parent_id` None moves to the top."""

    actor: Actor
    category_id: UUID
    version: int
    name: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    parent_id: UUID | UnsetType | None = UNSET
    position: int | UnsetType = UNSET


class RemoveCategory(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    category_id: UUID
    version: int


class CreateCategoryHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]

    async def __call__(self, command: CreateCategory) -> CategoryView:
        """Add a category below another, or at the top. Without a slug one is made from the name."""
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            parent = None if command.parent_id is None else await tx.categories.get(command.parent_id)
            slug = slug_of(command.slug or command.name) or f"c-{new_id().hex[-12:]}"
            if await tx.categories.find_by_slug(slug) is not None:
                raise SlugTaken(slug=slug)
            category = Category.create(slug, command.name, parent, command.position)
            tx.categories.add(category)
            return tx.reply(CategoryView.of(category))


class ChangeCategoryHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]

    async def __call__(self, command: ChangeCategory) -> CategoryView:
        """Rename a category, or move it with everything below it."""
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            category = await tx.categories.get(command.category_id)
            check_version(category, command.version)
            path, slug = category.path, category.slug
            await self._rename(tx, category, command)
            if command.parent_id is not UNSET and command.parent_id != category.parent_id:
                parent = None if command.parent_id is None else await tx.categories.get(command.parent_id)
                category.move(parent)
                below = await tx.categories.deepest_below(path)
                if category.path.count("/") + below - 1 > MAX_DEPTH:
                    raise CategoryTooDeep(depth=MAX_DEPTH)
            if command.position is not UNSET:
                category.reorder(command.position)
            if (category.path, category.slug) != (path, slug):
                await tx.categories.moved(category, path)
            return CategoryView.of(category)

    async def _rename(self, tx: ProductsTransaction, category: Category, command: ChangeCategory) -> None:
        name = category.name if command.name is UNSET else command.name
        slug = category.slug if command.slug is UNSET else slug_of(command.slug) or category.slug
        if slug != category.slug and await tx.categories.find_by_slug(slug) is not None:
            raise SlugTaken(slug=slug)
        if (slug, name) != (category.slug, category.name):
            category.rename(slug, name)


class RemoveCategoryHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[ProductsTransaction]

    async def __call__(self, command: RemoveCategory) -> None:
        """Remove a category that has neither products nor categories below it."""
        command.actor.require(MANAGE)
        async with self.uow() as tx:
            category = await tx.categories.get(command.category_id)
            check_version(category, command.version)
            await tx.categories.remove(category)
