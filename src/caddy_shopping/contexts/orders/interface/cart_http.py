"""The cart over HTTP. Every answer is the whole cart."""

from uuid import UUID

from litestar import Controller, delete, get, patch, post

from caddy_shopping.contexts.orders.application.add_to_cart import AddToCart
from caddy_shopping.contexts.orders.application.change_cart_item import ChangeCartItem
from caddy_shopping.contexts.orders.application.remove_cart_items import RemoveCartItems
from caddy_shopping.contexts.orders.application.select_cart_items import SelectCartItems
from caddy_shopping.contexts.orders.application.show_cart import ShowCart
from caddy_shopping.contexts.orders.application.use_cases import UseCases
from caddy_shopping.contexts.orders.application.views import CartView
from caddy_shopping.contexts.orders.domain.errors import (
    CartChanged,
    CartFull,
    CartItemNotFound,
    CurrenciesMixed,
    NoLongerSold,
    QuantityTooLarge,
)
from caddy_shopping.contexts.orders.interface.bodies import AddItemBody, ChangeItemBody, SelectBody
from caddy_shopping.contracts.products import VariantNotFound
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.wire import ApiResponse


class CartController(Controller):
    path = "/api/v1/cart"
    tags = ("cart",)

    @get("", summary="Show my cart", **documented())
    async def show(self, use_cases: UseCases, run: Executor, actor: Actor) -> ApiResponse[CartView]:
        """The cart with current prices, availability and a warning on each line that changed."""
        return ApiResponse(await run(use_cases.show_cart, ShowCart(actor=actor)))

    @post(
        "/items",
        summary="Put something into my cart",
        status_code=200,
        **documented(VariantNotFound, NoLongerSold, QuantityTooLarge, CartFull, CurrenciesMixed),
    )
    async def add(self, data: AddItemBody, use_cases: UseCases, run: Executor, actor: Actor) -> ApiResponse[CartView]:
        """Adds to what is there of the variant. At most 999 of one thing and 100 different things."""
        command = AddToCart(actor=actor, variant_id=data.variant_id, quantity=data.quantity)
        return ApiResponse(await run(use_cases.add_to_cart, command))

    @patch("/items/{item_id:uuid}", summary="Change a line of my cart", **documented(CartItemNotFound))
    async def change(
        self, item_id: UUID, data: ChangeItemBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> ApiResponse[CartView]:
        """Sets the quantity, selects or deselects."""
        command = ChangeCartItem(actor=actor, item_id=item_id, quantity=data.quantity, selected=data.selected)
        return ApiResponse(await run(use_cases.change_cart_item, command))

    @post("/select", summary="Select lines of my cart", status_code=200, **documented(CartItemNotFound))
    async def select(self, data: SelectBody, use_cases: UseCases, run: Executor, actor: Actor) -> ApiResponse[CartView]:
        """Selects or deselects the named lines, or all of them. Only selected lines are ordered."""
        command = SelectCartItems(actor=actor, selected=data.selected, item_ids=data.item_ids)
        return ApiResponse(await run(use_cases.select_cart_items, command))

    @delete(
        "/items/{item_id:uuid}",
        summary="Remove a line from my cart",
        status_code=200,
        **documented(CartItemNotFound, CartChanged),
    )
    async def remove(self, item_id: UUID, use_cases: UseCases, run: Executor, actor: Actor) -> ApiResponse[CartView]:
        """The line disappears, whatever its quantity."""
        return ApiResponse(await run(use_cases.remove_cart_items, RemoveCartItems(actor=actor, item_id=item_id)))

    @delete("", summary="Clear my cart", status_code=200, **documented(CartChanged))
    async def clear(self, use_cases: UseCases, run: Executor, actor: Actor) -> ApiResponse[CartView]:
        """Removes every line."""
        return ApiResponse(await run(use_cases.remove_cart_items, RemoveCartItems(actor=actor)))
