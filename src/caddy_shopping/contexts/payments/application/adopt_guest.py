"""A guest signs in to an account they already had."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.payments.application.ports import PaymentsTransaction
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class AdoptGuest(msgspec.Struct, frozen=True, kw_only=True):
    guest_id: UUID
    user_id: UUID


class AdoptGuestHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[PaymentsTransaction]

    async def __call__(self, command: AdoptGuest) -> None:
        """The payments of the guest's orders become the user's, as the orders do."""
        async with self.uow() as tx:
            await tx.payments.hand_over(command.guest_id, command.user_id)
