"""Somebody gives an e-mail address and a password, and is a customer from then on."""

import msgspec

from caddy_shopping.contexts.users.application.mailing import MailDesk
from caddy_shopping.contexts.users.application.opening import SessionDesk
from caddy_shopping.contexts.users.application.ports import PasswordHasher, UsersTransaction
from caddy_shopping.contexts.users.application.views import SignedIn
from caddy_shopping.contexts.users.domain.errors import EmailTaken
from caddy_shopping.contexts.users.domain.passwords import check_password
from caddy_shopping.contexts.users.domain.text import clean_email
from caddy_shopping.contexts.users.domain.user import User
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class Register(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    email: str
    password: str
    name: str
    language: str


class RegisterHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock
    passwords: PasswordHasher
    desk: SessionDesk
    mails: MailDesk

    async def __call__(self, command: Register) -> SignedIn:
        """Make an account and sign in to it. A guest who sends their access token keeps their user id and their cart.

        A mail with a link to confirm the address is sent. The guest's own sessions end: the answer has new tokens.
        """
        email = clean_email(command.email)
        check_password(command.password, email)
        password_hash = await self.passwords.hash(command.password)
        async with self.uow() as tx:
            if await tx.users.has_email(email):
                raise EmailTaken()
            user = await self._account(tx, command, password_hash)
            await self.mails.ask_to_confirm(tx, user)
            return await self.desk.open(tx, user)

    async def _account(self, tx: UsersTransaction, command: Register, password_hash: str) -> User:
        now = self.clock.now()
        if command.actor.role is not Role.GUEST:
            user = User.guest(command.language, now)
            user.register(command.email, command.name, password_hash)
            await tx.users.add(user)
            return user
        user = await tx.users.get(command.actor.user_id)
        user.speak(command.language)
        user.register(command.email, command.name, password_hash)
        await tx.sessions.revoke_all(user.id, now)
        return user
