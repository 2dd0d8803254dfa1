"""What can be asked about users without changing anything."""

from typing import Protocol
from uuid import UUID

import msgspec

from caddy_shopping.contexts.users.application.views import AccountView, AddressView
from caddy_shopping.contexts.users.domain.mail_token import Purpose
from caddy_shopping.contracts.users import Session
from caddy_shopping.kernel.actor import Role
from caddy_shopping.kernel.paging import PageRequest, Slice


class Credentials(msgspec.Struct, frozen=True):
    """What a sign-in is checked against. `password_hash` is None where no password was ever set."""

    user_id: UUID
    email: str | None
    password_hash: str | None


class AccountFilter(msgspec.Struct, frozen=True):
    """`search`: part of the name, or the beginning of the e-mail address. None: does not matter."""

    role: Role | None = None
    disabled: bool | None = None
    search: str | None = None


class UserQueries(Protocol):
    async def session(self, session_id: UUID) -> Session | None:
        """A living session of an active account. One SELECT: every authenticated request asks."""
        ...

    async def account(self, user_id: UUID) -> AccountView:
        """Raises `UserNotFound`."""
        ...

    async def account_by_email(self, email: str) -> AccountView:
        """By any spelling. Raises `UserNotFound`."""
        ...

    async def accounts(self, wanted: AccountFilter, page: PageRequest) -> Slice[AccountView]:
        """Newest first."""
        ...

    async def addresses(self, user_id: UUID, page: PageRequest) -> Slice[AddressView]:
        """Oldest first."""
        ...

    async def address(self, user_id: UUID, address_id: UUID) -> AddressView:
        """Raises `AddressNotFound`."""
        ...

    async def credentials(self, user_id: UUID) -> Credentials:
        """Raises `UserNotFound`."""
        ...

    async def credentials_by_email(self, email: str) -> Credentials | None:
        """By any spelling."""
        ...

    async def mail_token_owner(self, digest: bytes, purpose: Purpose) -> Credentials:
        """Whose mail token that is, without using it up. Raises `MailTokenInvalid`."""
        ...

    async def has_admin(self) -> bool:
        """Whether there is an administrator at all."""
        ...
