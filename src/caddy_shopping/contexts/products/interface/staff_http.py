"""Products and stock over HTTP, for staff. All of it takes the permission `products:manage`."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter

from caddy_shopping.contexts.products.application.archive_product import ArchiveProduct
from caddy_shopping.contexts.products.application.change_product import ChangeProduct
from caddy_shopping.contexts.products.application.change_stock import ChangeStock
from caddy_shopping.contexts.products.application.create_product import CreateProduct
from caddy_shopping.contexts.products.application.queries import StaffFilter
from caddy_shopping.contexts.products.application.upload_image import UploadImage
from caddy_shopping.contexts.products.application.use_cases import UseCases
from caddy_shopping.contexts.products.application.views import (
    MovementView,
    StaffProduct,
    StaffProductSummary,
    StockView,
)
from caddy_shopping.contexts.products.domain.errors import (
    CategoryNotFound,
    ImageTooLarge,
    ImageTypeUnknown,
    ProductInvalid,
    SkuTaken,
    SlugTaken,
    StockBelowZero,
)
from caddy_shopping.contexts.products.domain.pictures import MAX_BYTES
from caddy_shopping.contexts.products.domain.product import Status
from caddy_shopping.contexts.products.interface.bodies import ChangeProductBody, CreateProductBody, StockBody
from caddy_shopping.contracts.products import ProductNotFound, VariantNotFound
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.conditional import if_match, tagged
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.idempotency import once
from caddy_shopping.platform.http.wire import ApiResponse, PaginatedResponse, paginated

OfStatus = Annotated[Status | None, QueryParameter(name="status", required=False)]
Below = Annotated[
    UUID | None, QueryParameter(name="categoryId", description="Takes in what lies below.", required=False)
]
Query = Annotated[str | None, QueryParameter(name="q", max_length=200, required=False)]
Alt = Annotated[str, QueryParameter(name="alt", max_length=512, description="The picture in words.", required=False)]


@dataclass
class PictureForm:
    """A form (`multipart/form-data`) with one file."""

    file: UploadFile


Upload = Annotated[PictureForm, Body(media_type=RequestEncodingType.MULTI_PART)]


class StaffProductController(Controller):
    path = "/api/v1/admin/products"
    tags = ("products (staff)",)

    @get("", summary="List all products", **documented(CursorInvalid))
    async def list(
        self,
        use_cases: UseCases,
        actor: Actor,
        page: PageRequest,
        status: OfStatus = None,
        category_id: Below = None,
        q: Query = None,
    ) -> PaginatedResponse[StaffProductSummary]:
        """Drafts and archived ones too, the newest first."""
        wanted = StaffFilter(status=status, category_id=category_id, q=q)
        return paginated(await use_cases.staff.products(actor, wanted, page), page)

    @get("/{product_id:uuid}", summary="Show a product whole", **documented(ProductNotFound))
    async def show(
        self, request: Request[Any, Any, Any], product_id: UUID, use_cases: UseCases, actor: Actor
    ) -> Response[ApiResponse[StaffProduct]]:
        """With archived variants and the books of each. Its ETag is what changes are made on."""
        view = await use_cases.staff.product(actor, product_id)
        return tagged(request, view, version=view.version)

    @post(
        "",
        summary="Create a product",
        **documented(ProductInvalid, CategoryNotFound, SlugTaken, SkuTaken, idempotent=True),
    )
    async def create(
        self, request: Request[Any, Any, Any], data: CreateProductBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[StaffProduct]]:
        command = CreateProduct(
            actor=actor,
            slug=data.slug,
            details=data.details(),
            options=data.options,
            variants=tuple(each.spec() for each in data.variants),
            images=tuple(each.image() for each in data.images),
        )
        return await once(
            request,
            run,
            use_cases.create_product,
            command,
            location=lambda view: f"/api/v1/admin/products/{view.id}",
            version=lambda view: view.version,
        )

    @patch(
        "/{product_id:uuid}",
        summary="Change a product",
        **documented(
            ProductNotFound, ProductInvalid, VariantNotFound, CategoryNotFound, SlugTaken, SkuTaken, if_match=True
        ),
    )
    async def change(
        self,
        request: Request[Any, Any, Any],
        product_id: UUID,
        data: ChangeProductBody,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[StaffProduct]]:
        command = ChangeProduct(
            actor=actor,
            product_id=product_id,
            version=if_match(request),
            slug=data.slug,
            details=data.changes(),
            options=data.options,
            variants=None if data.variants is None else tuple(each.spec() for each in data.variants),
            images=None if data.images is None else tuple(each.image() for each in data.images),
        )
        view = await run(use_cases.change_product, command)
        return tagged(request, view, version=view.version)

    @post(
        "/{product_id:uuid}/archive",
        summary="Archive a product",
        status_code=200,
        **documented(ProductNotFound, if_match=True),
    )
    async def archive(
        self, request: Request[Any, Any, Any], product_id: UUID, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[StaffProduct]]:
        command = ArchiveProduct(actor=actor, product_id=product_id, version=if_match(request))
        view = await run(use_cases.archive_product, command)
        return tagged(request, view, version=view.version)

    @post(
        "/{product_id:uuid}/images",
        summary="Upload a picture",
        **documented(ProductNotFound, ImageTypeUnknown, ImageTooLarge, if_match=True),
    )
    async def upload(
        self,
        request: Request[Any, Any, Any],
        product_id: UUID,
        data: Upload,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
        alt: Alt = "",
    ) -> Response[ApiResponse[StaffProduct]]:
        # One byte more than is taken tells a picture that is too large.
        content = await data.file.read(MAX_BYTES + 1)
        version = if_match(request)
        command = UploadImage(actor=actor, product_id=product_id, version=version, content=content, alt=alt)
        view = await run(use_cases.upload_image, command)
        return tagged(request, view, version=view.version, status=201, location=view.images[-1].url)

    @post(
        "/variants/{variant_id:uuid}/stock",
        summary="Change stock",
        **documented(VariantNotFound, StockBelowZero, idempotent=True),
    )
    async def change_stock(
        self,
        request: Request[Any, Any, Any],
        variant_id: UUID,
        data: StockBody,
        use_cases: UseCases,
        run: Executor,
        actor: Actor,
    ) -> Response[ApiResponse[StockView]]:
        command = ChangeStock(actor=actor, variant_id=variant_id, delta=data.delta, reason=data.reason, note=data.note)
        return await once(request, run, use_cases.change_stock, command)

    @get(
        "/variants/{variant_id:uuid}/stock/movements",
        summary="List stock movements",
        **documented(VariantNotFound, CursorInvalid),
    )
    async def movements(
        self, variant_id: UUID, use_cases: UseCases, actor: Actor, page: PageRequest
    ) -> PaginatedResponse[MovementView]:
        """The ledger of a variant's stock, the newest line first. Sales are in its books, not in here."""
        return paginated(await use_cases.staff.movements(actor, variant_id, page), page)
