"""The operator of the shop sets somebody's password, at the machine itself."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.users.application.change_role import account_to_manage
from caddy_shopping.contexts.users.application.ports import PasswordHasher, UsersTransaction
from caddy_shopping.contexts.users.application.queries import UserQueries
from caddy_shopping.contexts.users.domain.errors import NotRegistered
from caddy_shopping.contexts.users.domain.mail_token import Purpose
from caddy_shopping.contexts.users.domain.passwords import check_password
from caddy_shopping.contexts.users.domain.permissions import MANAGE_USERS
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class SetPassword(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    user_id: UUID
    password: str


class SetPasswordHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock
    passwords: PasswordHasher
    queries: UserQueries

    async def __call__(self, command: SetPassword) -> None:
        """Set a password without knowing the old one. Every session of the account ends."""
        command.actor.require(MANAGE_USERS)
        found = await self.queries.credentials(command.user_id)
        if found.email is None:
            raise NotRegistered()
        check_password(command.password, found.email)
        password_hash = await self.passwords.hash(command.password)
        async with self.uow() as tx:
            user = await account_to_manage(tx, command.actor, command.user_id, None)
            user.set_password(password_hash)
            await tx.mail_tokens.forget(user.id, Purpose.RESET_PASSWORD)
            await tx.sessions.revoke_all(user.id, self.clock.now())
