"""The address book: add, change, remove."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.users.application.ports import UsersTransaction
from caddy_shopping.contexts.users.application.views import AddressView
from caddy_shopping.contexts.users.domain.address import AddressDetails
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class AddAddress(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    details: AddressDetails
    is_default: bool


class AddAddressHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock

    async def __call__(self, command: AddAddress) -> AddressView:
        """Keep another address, 20 at most. The first one is the default."""
        async with self.uow() as tx:
            user = await tx.users.get_with_addresses(command.actor.user_id)
            return AddressView.of(user.add_address(command.details, command.is_default, self.clock.now()))


class ChangeAddress(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    address_id: UUID
    details: AddressDetails
    is_default: bool


class ChangeAddressHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]

    async def __call__(self, command: ChangeAddress) -> AddressView:
        """Write an address anew. The default stays the default until another address is made it."""
        async with self.uow() as tx:
            user = await tx.users.get_with_addresses(command.actor.user_id)
            return AddressView.of(user.change_address(command.address_id, command.details, command.is_default))


class RemoveAddress(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    address_id: UUID


class RemoveAddressHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]

    async def __call__(self, command: RemoveAddress) -> None:
        """Remove an address. Where it was the default, the oldest of the others takes its place."""
        async with self.uow() as tx:
            user = await tx.users.get_with_addresses(command.actor.user_id)
            user.remove_address(command.address_id)
