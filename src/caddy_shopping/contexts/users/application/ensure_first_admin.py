"""A fresh installation gets somebody who can manage it."""

import secrets

import msgspec

from caddy_shopping.contexts.users.application.create_staff import CreateStaff, CreateStaffHandler
from caddy_shopping.contexts.users.application.queries import UserQueries
from caddy_shopping.contexts.users.domain.errors import EmailTaken
from caddy_shopping.kernel.actor import SYSTEM, Role


def new_password() -> str:
    """A generated password: 20 characters, 120 random bits."""
    return secrets.token_urlsafe(15)


class EnsureFirstAdmin(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    name: str = "Admin"


class EnsureFirstAdminHandler(msgspec.Struct, frozen=True):
    create_staff: CreateStaffHandler
    queries: UserQueries

    async def __call__(self, command: EnsureFirstAdmin) -> tuple[str, str] | None:
        """E-mail address and generated password of the first administrator; None where there is one already.

        The password is told once and kept nowhere. Of two processes that start at once one makes the account.
        Raises `EmailTaken` where somebody else has the address.
        """
        if await self.queries.has_admin():
            return None
        password = new_password()
        try:
            await self.create_staff(
                CreateStaff(actor=SYSTEM, email=command.email, name=command.name, role=Role.ADMIN, password=password)
            )
        except EmailTaken:
            if await self.queries.has_admin():
                return None  # another process was faster
            raise
        return command.email, password
