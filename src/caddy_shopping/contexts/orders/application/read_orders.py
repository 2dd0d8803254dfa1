"""Orders as their buyers and as staff see them."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.permissions import MANAGE
from caddy_shopping.contexts.orders.application.queries import OrderFilter, OrderQueries
from caddy_shopping.contexts.orders.application.views import OrderDetail, OrderSummary
from caddy_shopping.contexts.orders.domain.number import read_number
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.paging import PageRequest, Slice


class FindOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is an id, or a number in any spelling."""

    actor: Actor
    reference: str
    as_staff: bool = False


class ListOrders(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    wanted: OrderFilter
    page: PageRequest
    as_staff: bool = False


class FindOrderHandler(msgspec.Struct, frozen=True):
    queries: OrderQueries

    async def __call__(self, command: FindOrder) -> OrderDetail:
        """One order with lines, refunds and history: one's own, or any for staff."""
        if command.as_staff:
            command.actor.require(MANAGE)
        owner = None if command.as_staff else command.actor.user_id
        number = read_number(command.reference)
        if number is not None:
            return await self.queries.find(number, owner)
        try:
            return await self.queries.find(UUID(command.reference), owner)
        except ValueError:
            raise OrderNotFound() from None


class ListOrdersHandler(msgspec.Struct, frozen=True):
    queries: OrderQueries

    async def __call__(self, command: ListOrders) -> Slice[OrderSummary]:
        """Orders, latest first: one's own, or anybody's for staff."""
        wanted = command.wanted
        if command.as_staff:
            command.actor.require(MANAGE)
        else:
            wanted = msgspec.structs.replace(wanted, user_id=command.actor.user_id)
        if wanted.number is not None:
            number = read_number(wanted.number)
            if number is None:
                return Slice([], None, 0 if command.page.total else None)
            wanted = msgspec.structs.replace(wanted, number=number)
        if wanted.email is not None:
            wanted = msgspec.structs.replace(wanted, email=wanted.email.lower())
        return await self.queries.page(wanted, command.page)
