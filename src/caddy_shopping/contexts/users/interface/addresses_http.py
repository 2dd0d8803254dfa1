"""`/api/v1/users/me/addresses`: the caller's address book."""

from uuid import UUID

from litestar import Controller, Response, delete, get, post, put

from caddy_shopping.contexts.users.application.addresses import AddAddress, ChangeAddress, RemoveAddress
from caddy_shopping.contexts.users.application.use_cases import UseCases
from caddy_shopping.contexts.users.application.views import AddressView
from caddy_shopping.contexts.users.domain.errors import AddressNotFound, TextInvalid, TooManyAddresses
from caddy_shopping.contexts.users.interface.bodies import AddressBody
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.wire import ApiResponse, PaginatedResponse, paginated


class AddressController(Controller):
    path = "/api/v1/users/me/addresses"
    tags = ("users",)

    @get("", summary="List my addresses", **documented(CursorInvalid))
    async def list_addresses(
        self, use_cases: UseCases, actor: Actor, page: PageRequest
    ) -> PaginatedResponse[AddressView]:
        """The address book, oldest entry first."""
        return paginated(await use_cases.queries.addresses(actor.user_id, page), page)

    @post("", summary="Add an address", status_code=201, **documented(TooManyAddresses, TextInvalid))
    async def add(
        self, data: AddressBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[AddressView]]:
        """Keep another address, 20 at most. The first one is the default."""
        command = AddAddress(actor=actor, details=data.details(), is_default=data.is_default)
        view = await run(use_cases.add_address, command)
        return Response(ApiResponse(view), status_code=201, headers={"location": f"{self.path}/{view.id}"})

    @get("/{address_id:uuid}", summary="Show an address", **documented(AddressNotFound))
    async def show(self, address_id: UUID, use_cases: UseCases, actor: Actor) -> ApiResponse[AddressView]:
        """One entry of the caller's address book."""
        return ApiResponse(await use_cases.queries.address(actor.user_id, address_id))

    @put("/{address_id:uuid}", summary="Change an address", **documented(AddressNotFound, TextInvalid))
    async def change(
        self, address_id: UUID, data: AddressBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> ApiResponse[AddressView]:
        """Write an address anew. The default stays the default until another address is made it."""
        command = ChangeAddress(actor=actor, address_id=address_id, details=data.details(), is_default=data.is_default)
        return ApiResponse(await run(use_cases.change_address, command))

    @delete("/{address_id:uuid}", summary="Remove an address", status_code=204, **documented(AddressNotFound))
    async def remove(self, address_id: UUID, use_cases: UseCases, run: Executor, actor: Actor) -> None:
        """Remove an address. Where it was the default, the oldest of the others takes its place."""
        await run(use_cases.remove_address, RemoveAddress(actor=actor, address_id=address_id))
