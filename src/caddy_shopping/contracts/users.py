"""What the users context publishes to the others."""

from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from caddy_shopping.kernel.errors import NotFound
from caddy_shopping.kernel.events import Event


class UserNotFound(NotFound):
    code = "USER_NOT_FOUND"
    en = "There is no such user."
    zh = "用户不存在。"


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """A sign-in that is still good: whose it is and what it may do. `role` is a `kernel.actor.Role`.

    A guest has no `email`.
    """

    session_id: UUID
    user_id: UUID
    role: str
    permissions: list[str]
    language: str
    email: str | None


class Users(Protocol):
    """What other contexts may ask users."""

    async def find_session(self, *, session_id: UUID) -> Session | None:
        """The session, or None once it was signed out, revoked, or its user disabled."""
        ...


class UserEvent(Event, frozen=True, kw_only=True):
    topic: ClassVar[str] = "users"
    user_id: UUID

    @property
    def key(self) -> UUID:
        return self.user_id


class UserRegistered(UserEvent, frozen=True, kw_only=True):
    email: str
    name: str
    language: str


class EmailConfirmationRequested(UserEvent, frozen=True, kw_only=True):
    """`token` goes into the link of the mail; users keeps only its hash."""

    email: str
    name: str
    language: str
    token: str


class PasswordResetRequested(UserEvent, frozen=True, kw_only=True):
    """`token` goes into the link of the mail; users keeps only its hash."""

    email: str
    name: str
    language: str
    token: str


class GuestSignedIn(UserEvent, frozen=True, kw_only=True):
    """A guest signed in to an account they already had: what was theirs becomes `user_id`'s."""

    guest_id: UUID


class UserDisabled(UserEvent, frozen=True, kw_only=True):
    """Staff closed the account to its owner; sessions are already revoked."""
