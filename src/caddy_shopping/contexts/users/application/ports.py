"""What the use cases need from outside, by its shape."""

from typing import Protocol
from uuid import UUID

from caddy_shopping.contexts.users.domain.mail_token import MailTokens
from caddy_shopping.contexts.users.domain.session import Sessions
from caddy_shopping.contexts.users.domain.user import Users
from caddy_shopping.kernel.unit_of_work import Transaction


class UsersTransaction(Transaction, Protocol):
    users: Users
    sessions: Sessions
    mail_tokens: MailTokens


class PasswordHasher(Protocol):
    """Slow on purpose, so never called inside a unit of work."""

    async def hash(self, password: str, /) -> str: ...

    async def verify(self, encoded: str | None, password: str, /) -> bool:
        """Whether `password` made the hash; None takes the same time and is False."""
        ...

    def needs_rehash(self, encoded: str, /) -> bool:
        """Whether the hash was made at other costs than today's."""
        ...


class AccessTokens(Protocol):
    def issue(self, *, user_id: UUID, session_id: UUID, role: str, language: str) -> tuple[str, int]:
        """A signed access token, and how many seconds it lives."""
        ...


class SignInLimiter(Protocol):
    """Slows down whoever guesses, before anything expensive is done for them."""

    async def attempt(self, key: str) -> None:
        """Count a try under `key`. Raises `RateLimited` with `retry_after` where there were too many."""
        ...

    async def forget(self, key: str) -> None:
        """It was the owner after all: the tries under `key` no longer count."""
        ...
