"""A new password for somebody who knows the old one."""

import msgspec

from caddy_shopping.contexts.users.application.ports import PasswordHasher, SignInLimiter, UsersTransaction
from caddy_shopping.contexts.users.application.queries import UserQueries
from caddy_shopping.contexts.users.domain.errors import CurrentPasswordWrong, NotRegistered
from caddy_shopping.contexts.users.domain.mail_token import Purpose
from caddy_shopping.contexts.users.domain.passwords import check_password
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ChangePassword(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    current: str
    new: str
    address: str


class ChangePasswordHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock
    passwords: PasswordHasher
    limiter: SignInLimiter
    queries: UserQueries

    async def __call__(self, command: ChangePassword) -> None:
        """Replace the password. All other sessions end, and links to reset the old one stop working."""
        user_id = command.actor.user_id
        found = await self.queries.credentials(user_id)
        if found.password_hash is None:
            raise NotRegistered()
        check_password(command.new, found.email)
        tries = f"change|{user_id}|{command.address}"
        await self.limiter.attempt(tries)
        if not await self.passwords.verify(found.password_hash, command.current):
            raise CurrentPasswordWrong()
        await self.limiter.forget(tries)
        new_hash = await self.passwords.hash(command.new)
        async with self.uow() as tx:
            user = await tx.users.get(user_id)
            if user.password_hash != found.password_hash:
                raise CurrentPasswordWrong()  # it was changed while we were hashing
            user.set_password(new_hash)
            await tx.mail_tokens.forget(user_id, Purpose.RESET_PASSWORD)
            await tx.sessions.revoke_all(user_id, self.clock.now(), keep=command.actor.session_id)
