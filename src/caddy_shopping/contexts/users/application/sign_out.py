"""Sessions end because their owner says so."""

import msgspec

from caddy_shopping.contexts.users.application.ports import UsersTransaction
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.errors import Unauthenticated
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class SignOut(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor


class SignOutHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock

    async def __call__(self, command: SignOut) -> None:
        """End the session that the access token belongs to, at once."""
        if command.actor.session_id is None:
            raise Unauthenticated()
        async with self.uow() as tx:
            await tx.sessions.revoke(command.actor.session_id, self.clock.now())


class SignOutEverywhere(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor


class SignOutEverywhereHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock

    async def __call__(self, command: SignOutEverywhere) -> None:
        """End all of the caller's sessions, this one too."""
        user_id = command.actor.user_id
        async with self.uow() as tx:
            await tx.sessions.revoke_all(user_id, self.clock.now())
