"""The catalogue over HTTP, for everybody."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get
from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from caddy_shopping.contexts.products.application.queries import ProductFilter, Sort
from caddy_shopping.contexts.products.application.use_cases import UseCases
from caddy_shopping.contexts.products.application.views import CategoryNode, Facets, ProductSummary, ProductView
from caddy_shopping.contexts.products.domain.errors import FilterInvalid, MediaNotFound
from caddy_shopping.contexts.products.domain.pictures import media_type
from caddy_shopping.contracts.products import ProductNotFound
from caddy_shopping.kernel.money import MAX_AMOUNT
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest
from caddy_shopping.platform.http.conditional import hashed
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.wire import ApiResponse, PageInfo, paginated

MAX_AGE = 2
FOREVER = "public, max-age=31536000, immutable"


def _query(name: str, description: str, **bounds: Any) -> Any:
    return QueryParameter(name=name, description=description, required=False, **bounds)


Category = Annotated[str | None, _query("category", "Slug; takes in what lies below.", min_length=1, max_length=120)]
MinPrice = Annotated[int | None, _query("minPrice", "Minor units.", ge=0, le=MAX_AMOUNT)]
MaxPrice = Annotated[int | None, _query("maxPrice", "Minor units.", ge=0, le=MAX_AMOUNT)]
Tag = Annotated[list[str] | None, _query("tag", "Repeat it: all must hold.", max_items=10)]
Vendor = Annotated[str | None, _query("vendor", "As the product names it.", min_length=1, max_length=160)]
Type = Annotated[str | None, _query("type", "Product type.", min_length=1, max_length=160)]
Option = Annotated[
    list[str] | None,
    _query("option", "`Size:Large`; values of one option are alternatives, options must all hold.", max_items=10),
]
InStock = Annotated[bool, _query("inStock", "Only what can be bought now.")]
Query = Annotated[str | None, _query("q", "Words to find.", max_length=200)]
Order = Annotated[Sort, _query("sort", "`price` begins with the cheapest, `-price` with the dearest.")]
WithFacets = Annotated[bool, _query("facets", "Also count what the filters could be narrowed by.")]


class ProductListResponse(msgspec.Struct, frozen=True):
    """A page of products; `facets` is there when asked for."""

    data: list[ProductSummary]
    page: PageInfo
    facets: Facets | UnsetType = UNSET


class ProductController(Controller):
    path = "/api/v1/products"
    tags = ("products",)

    @get("", summary="List products", **documented(CursorInvalid, FilterInvalid, public=True))
    async def list(
        self,
        request: Request[Any, Any, Any],
        use_cases: UseCases,
        page: PageRequest,
        category: Category = None,
        min_price: MinPrice = None,
        max_price: MaxPrice = None,
        tag: Tag = None,
        vendor: Vendor = None,
        product_type: Type = None,
        option: Option = None,
        in_stock: InStock = False,
        q: Query = None,
        sort: Order = Sort.NEWEST,
        facets: WithFacets = False,
    ) -> Response[ProductListResponse]:
        """Active products by filter, sort order and words. `q` finds Latin and Chinese words alike."""
        wanted = ProductFilter(
            category=category,
            min_price=min_price,
            max_price=max_price,
            tags=tuple(tag or ()),
            vendor=vendor,
            product_type=product_type,
            options=_options(option or []),
            in_stock=in_stock,
            q=q,
            sort=sort,
        )
        listed = paginated(await use_cases.queries.products(wanted, page), page)
        counted = await use_cases.queries.facets(wanted) if facets else UNSET
        return hashed(request, ProductListResponse(listed.data, listed.page, counted), max_age=MAX_AGE)

    @get("/{slug:str}", summary="Show a product", **documented(ProductNotFound, public=True))
    async def show(
        self, request: Request[Any, Any, Any], slug: str, use_cases: UseCases
    ) -> Response[ApiResponse[ProductView]]:
        """An active product with its variants, pictures and options."""
        return hashed(request, ApiResponse(await use_cases.queries.product(slug)), max_age=MAX_AGE)

    @get(
        "/media/{name:str}",
        summary="Show a picture",
        media_type="image/*",
        **documented(MediaNotFound, public=True, tagged=True),
    )
    async def picture(self, name: str, use_cases: UseCases) -> Response[bytes]:
        """A picture that was uploaded. What lies at an address never changes."""
        content = await use_cases.media.load(name)
        headers = {"cache-control": FOREVER, "etag": f'"{name}"'}
        return Response(content, media_type=media_type(name), headers=headers)


class CategoryController(Controller):
    path = "/api/v1/categories"
    tags = ("products",)

    @get("", summary="Show the category tree", **documented(public=True))
    async def tree(
        self, request: Request[Any, Any, Any], use_cases: UseCases
    ) -> Response[ApiResponse[list[CategoryNode]]]:
        """All categories, each with those below it."""
        return hashed(request, ApiResponse(await use_cases.queries.categories()), max_age=MAX_AGE)


def _options(given: list[str]) -> tuple[str, ...]:
    for option in given:
        name, _, value = option.partition(":")
        if not name or not value or len(option) > 200:
            raise FilterInvalid(name="option", expected="name:value")
    return tuple(given)
