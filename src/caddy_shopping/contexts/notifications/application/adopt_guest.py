"""A guest turned out to be somebody we know."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.notifications.application.ports import NotificationsTransaction
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class AdoptGuest(msgspec.Struct, frozen=True, kw_only=True):
    guest_id: UUID
    user_id: UUID


class AdoptGuestHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[NotificationsTransaction]

    async def __call__(self, command: AdoptGuest) -> None:
        """Give the guest's notifications to the account they signed in to. The account's preferences stand."""
        async with self.uow() as tx:
            await tx.notifications.move(command.guest_id, command.user_id)
            await tx.mutes.replace(command.guest_id, frozenset())
