"""The owner of an account shows that mail reaches them."""

import msgspec

from caddy_shopping.contexts.users.application.mailing import MailDesk
from caddy_shopping.contexts.users.application.ports import SignInLimiter, UsersTransaction
from caddy_shopping.contexts.users.domain.mail_token import Purpose
from caddy_shopping.contexts.users.domain.session import digest
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ConfirmEmail(msgspec.Struct, frozen=True, kw_only=True):
    token: str


class ConfirmEmailHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock

    async def __call__(self, command: ConfirmEmail) -> None:
        """Confirm the e-mail address with the token of the mail, which works once and for 24 hours."""
        now = self.clock.now()
        async with self.uow() as tx:
            user = await tx.users.get(await tx.mail_tokens.take(digest(command.token), Purpose.CONFIRM_EMAIL, now))
            user.confirm_email(now)


class ResendConfirmation(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor


class ResendConfirmationHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    limiter: SignInLimiter
    mails: MailDesk

    async def __call__(self, command: ResendConfirmation) -> None:
        """Send the mail with the confirmation link again; the link of the earlier mail stops working."""
        user_id = command.actor.user_id
        await self.limiter.attempt(f"confirm|{user_id}")
        async with self.uow() as tx:
            await self.mails.ask_to_confirm(tx, await tx.users.get(user_id))
