"""A visitor becomes somebody whose cart can be kept."""

import msgspec

from caddy_shopping.contexts.users.application.opening import SessionDesk
from caddy_shopping.contexts.users.application.ports import UsersTransaction
from caddy_shopping.contexts.users.application.views import SignedIn
from caddy_shopping.contexts.users.domain.user import User
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class StartAsGuest(msgspec.Struct, frozen=True, kw_only=True):
    language: str


class StartAsGuestHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock
    desk: SessionDesk

    async def __call__(self, command: StartAsGuest) -> SignedIn:
        """Get tokens without an e-mail address or a password. Registering later keeps the user id and the cart."""
        async with self.uow() as tx:
            user = User.guest(command.language, self.clock.now())
            await tx.users.add(user)
            return await self.desk.open(tx, user)
