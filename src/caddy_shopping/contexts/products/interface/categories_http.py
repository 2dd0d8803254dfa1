"""Categories over HTTP, for staff. All of it takes the permission `products:manage`."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post

from caddy_shopping.contexts.products.application.edit_categories import ChangeCategory, CreateCategory, RemoveCategory
from caddy_shopping.contexts.products.application.use_cases import UseCases
from caddy_shopping.contexts.products.application.views import CategoryView
from caddy_shopping.contexts.products.domain.errors import (
    CategoryInUse,
    CategoryLoop,
    CategoryNotFound,
    CategoryTooDeep,
    SlugTaken,
)
from caddy_shopping.contexts.products.interface.bodies import ChangeCategoryBody, CreateCategoryBody
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.conditional import if_match, tagged
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.wire import ApiResponse


class StaffCategoryController(Controller):
    path = "/api/v1/admin/products/categories"
    tags = ("products (staff)",)

    @get("/{category_id:uuid}", summary="Show a category", **documented(CategoryNotFound))
    async def show(
        self, request: Request[Any, Any, Any], category_id: UUID, use_cases: UseCases, actor: Actor
    ) -> Response[ApiResponse[CategoryView]]:
        """Its ETag is what changes are made on."""
        view = await use_cases.staff.category(actor, category_id)
        return tagged(request, view, version=view.version)

    @post("", summary="Create a category", **documented(CategoryNotFound, CategoryTooDeep, SlugTaken))
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: CreateCategoryBody,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[CategoryView]]:
        command = CreateCategory(
            actor=actor, name=data.name, slug=data.slug, parent_id=data.parent_id, position=data.position
        )
        view = await run(use_cases.create_category, command)
        location = f"/api/v1/admin/products/categories/{view.id}"
        return tagged(request, view, version=view.version, status=201, location=location)

    @patch(
        "/{category_id:uuid}",
        summary="Change a category",
        **documented(CategoryNotFound, CategoryTooDeep, CategoryLoop, SlugTaken, if_match=True),
    )
    async def change(
        self,
        request: Request[Any, Any, Any],
        category_id: UUID,
        data: ChangeCategoryBody,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[CategoryView]]:
        command = ChangeCategory(
            actor=actor,
            category_id=category_id,
            version=if_match(request),
            name=data.name,
            slug=data.slug,
            parent_id=data.parent_id,
            position=data.position,
        )
        view = await run(use_cases.change_category, command)
        return tagged(request, view, version=view.version)

    @delete(
        "/{category_id:uuid}", summary="Remove a category", **documented(CategoryNotFound, CategoryInUse, if_match=True)
    )
    async def remove(
        self, request: Request[Any, Any, Any], category_id: UUID, use_cases: UseCases, run: Executor, actor: Actor
    ) -> None:
        command = RemoveCategory(actor=actor, category_id=category_id, version=if_match(request))
        await run(use_cases.remove_category, command)
