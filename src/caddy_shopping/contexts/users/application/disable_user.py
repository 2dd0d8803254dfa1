"""An account is closed to its owner, or opened again."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.users.application.change_role import account_to_manage, keep_an_admin
from caddy_shopping.contexts.users.application.ports import UsersTransaction
from caddy_shopping.contexts.users.application.views import AccountView
from caddy_shopping.contexts.users.domain.mail_token import Purpose
from caddy_shopping.contexts.users.domain.permissions import MANAGE_USERS
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class DisableUser(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    user_id: UUID
    version: int | None = None


class DisableUserHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock

    async def __call__(self, command: DisableUser) -> AccountView:
        """Close an account: its sessions end and its next request is refused."""
        command.actor.require(MANAGE_USERS)
        now = self.clock.now()
        async with self.uow() as tx:
            user = await account_to_manage(tx, command.actor, command.user_id, command.version)
            await keep_an_admin(tx, user)
            user.disable(now)
            await tx.sessions.revoke_all(user.id, now)
            await tx.mail_tokens.forget(user.id, Purpose.RESET_PASSWORD)
            return AccountView.of(user)


class EnableUser(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    user_id: UUID
    version: int | None = None


class EnableUserHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]

    async def __call__(self, command: EnableUser) -> AccountView:
        """Open a closed account again. Its owner has to sign in anew."""
        command.actor.require(MANAGE_USERS)
        async with self.uow() as tx:
            user = await account_to_manage(tx, command.actor, command.user_id, command.version)
            user.enable()
            return AccountView.of(user)
