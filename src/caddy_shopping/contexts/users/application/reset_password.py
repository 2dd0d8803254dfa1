"""A new password for somebody who forgot the old one but reads their mail."""

import msgspec

from caddy_shopping.contexts.users.application.mailing import MailDesk
from caddy_shopping.contexts.users.application.ports import PasswordHasher, SignInLimiter, UsersTransaction
from caddy_shopping.contexts.users.application.queries import UserQueries
from caddy_shopping.contexts.users.domain.errors import MailTokenInvalid
from caddy_shopping.contexts.users.domain.mail_token import Purpose
from caddy_shopping.contexts.users.domain.passwords import check_password
from caddy_shopping.contexts.users.domain.session import digest
from caddy_shopping.contexts.users.domain.text import email_key
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class RequestPasswordReset(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    address: str


class RequestPasswordResetHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    limiter: SignInLimiter
    mails: MailDesk

    async def __call__(self, command: RequestPasswordReset) -> None:
        """Send a mail with a link to set a new password, good for one hour.

        The answer does not tell whether there is an account with this address.
        """
        await self.limiter.attempt(f"reset|{email_key(command.email)}|{command.address}")
        async with self.uow() as tx:
            user = await tx.users.find_by_email(command.email)
            if user is not None and user.disabled_at is None:
                await self.mails.offer_reset(tx, user)


class ResetPassword(msgspec.Struct, frozen=True, kw_only=True):
    token: str
    password: str


class ResetPasswordHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock
    passwords: PasswordHasher
    queries: UserQueries

    async def __call__(self, command: ResetPassword) -> None:
        """Set a new password with the token of the mail. Every session of the account ends.

        Who can read the mail owns the address, so it counts as confirmed.
        """
        token = digest(command.token)
        owner = await self.queries.mail_token_owner(token, Purpose.RESET_PASSWORD)
        check_password(command.password, owner.email)
        password_hash = await self.passwords.hash(command.password)
        now = self.clock.now()
        async with self.uow() as tx:
            user = await tx.users.get(await tx.mail_tokens.take(token, Purpose.RESET_PASSWORD, now))
            if user.disabled_at is not None:
                raise MailTokenInvalid()
            user.set_password(password_hash)
            user.confirm_email(now)
            await tx.mail_tokens.forget(user.id, Purpose.CONFIRM_EMAIL)
            await tx.sessions.revoke_all(user.id, now)
