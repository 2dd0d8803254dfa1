"""A guest signs in to an account they already had."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.orders.application.ports import OrdersTransaction
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class AdoptGuest(msgspec.Struct, frozen=True, kw_only=True):
    guest_id: UUID
    user_id: UUID


class AdoptGuestHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[OrdersTransaction]
    clock: Clock

    async def __call__(self, command: AdoptGuest) -> None:
        """The guest's cart is merged into the user's, as far as there is room, and their orders become the user's."""
        if command.guest_id == command.user_id:
            return
        now = self.clock.now()
        async with self.uow() as tx:
            theirs = await tx.carts.get(command.guest_id)
            if theirs.lines:
                mine = await tx.carts.get(command.user_id, [line.variant_id for line in theirs.lines])
                for line in mine.absorb(theirs, now):
                    await tx.carts.put(mine, line)
                await tx.carts.remove(command.guest_id, theirs.lines)
            for order in await tx.orders.of_user(command.guest_id):
                order.hand_over(command.user_id, now)
