"""The shop takes on people."""

import msgspec

from caddy_shopping.contexts.users.application.mailing import MailDesk
from caddy_shopping.contexts.users.application.ports import PasswordHasher, UsersTransaction
from caddy_shopping.contexts.users.application.views import AccountView
from caddy_shopping.contexts.users.domain.errors import EmailTaken
from caddy_shopping.contexts.users.domain.passwords import check_password
from caddy_shopping.contexts.users.domain.permissions import MANAGE_USERS, check_reach
from caddy_shopping.contexts.users.domain.text import clean_email
from caddy_shopping.contexts.users.domain.user import User
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class CreateStaff(msgspec.Struct, frozen=True, kw_only=True):
    """Without `password` the new colleague gets a mail with a link to set one."""

    actor: Actor
    email: str
    name: str
    role: Role
    permissions: list[str] = []
    language: str = "en"
    password: str | None = None


class CreateStaffHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock
    passwords: PasswordHasher
    mails: MailDesk

    async def __call__(self, command: CreateStaff) -> AccountView:
        """Make an account for a colleague. Nobody hands out a right that they do not hold.

        Without a password, a mail with a link to set one goes out; the link is good for one hour.
        """
        command.actor.require(MANAGE_USERS)
        check_reach(command.actor, command.role, command.permissions)
        email = clean_email(command.email)
        user = User.staff(email, command.name, command.language, self.clock.now(), command.role, command.permissions)
        if command.password is not None:
            check_password(command.password, email)
            user.set_password(await self.passwords.hash(command.password))
        async with self.uow() as tx:
            if await tx.users.has_email(email):
                raise EmailTaken()
            await tx.users.add(user)
            if command.password is None:
                await self.mails.offer_reset(tx, user)
            return AccountView.of(user)
