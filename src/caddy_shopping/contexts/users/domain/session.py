"""Sign-ins and the chain of refresh tokens that keeps one alive.

A session is a family: each refresh token is used once and has one successor. The successor is derived
from its predecessor, so that a client who lost the answer can ask again and get the same one while the
shop stores hashes only. A second use that no lost answer explains ends the whole family
(RFC 9700 §4.14.2).
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from caddy_shopping.kernel.ids import new_id


def digest(token: str) -> bytes:
    """What is stored of a token (32 bytes). Tokens carry 256 random bits, so a plain SHA-256 will do."""
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def successor_of(token: str, secret: bytes) -> str:
    """The one refresh token that follows `token`: HMAC-SHA-256 under the installation's secret."""
    mac = hmac.digest(secret, token.encode(), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """`idle`: a session not refreshed for so long ends; `longest`: it ends even if it is; `retry`: how long a
    used refresh token may be sent again; `confirmation` and `reset`: how long a mailed link is good."""

    idle: timedelta = timedelta(days=30)
    longest: timedelta = timedelta(days=180)
    retry: timedelta = timedelta(seconds=30)
    confirmation: timedelta = timedelta(hours=24)
    reset: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class UserSession:
    """One sign-in of one user."""

    id: UUID
    user_id: UUID
    created_at: datetime
    expires_at: datetime

    @classmethod
    def start(cls, user_id: UUID, now: datetime, lifetimes: Lifetimes) -> "UserSession":
        return cls(new_id(), user_id, now, now + lifetimes.idle)


class Verdict(StrEnum):
    """What a refresh token is worth."""

    GOOD = "good"
    RETRIED = "retried"
    REUSED = "reused"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A stored refresh token with what is known of its session and of its successor."""

    digest: bytes
    session_id: UUID
    user_id: UUID
    used_at: datetime | None
    successor_used: bool
    session_created_at: datetime
    session_expires_at: datetime
    session_revoked_at: datetime | None

    def judge(self, now: datetime, lifetimes: Lifetimes) -> Verdict:
        """Retried honestly means: soon after, and nobody has used the successor, so nobody may have got it."""
        if self.session_revoked_at is not None or self.session_expires_at <= now:
            return Verdict.DEAD
        if self.used_at is None:
            return Verdict.GOOD
        if now - self.used_at <= lifetimes.retry and not self.successor_used:
            return Verdict.RETRIED
        return Verdict.REUSED

    def extended(self, now: datetime, lifetimes: Lifetimes) -> datetime:
        """When the session ends if it is refreshed now."""
        return min(now + lifetimes.idle, self.session_created_at + lifetimes.longest)


class Sessions(Protocol):
    """The sign-ins of one transaction. Writes take effect at once."""

    async def add(self, session: UserSession, token: bytes) -> None:
        """Open a session whose first refresh token has the digest `token`."""
        ...

    async def find_refresh_token(self, token: bytes, successor: bytes) -> RefreshToken | None:
        """By digest; `successor` is the digest of the one that would follow."""
        ...

    async def rotate(self, token: RefreshToken, successor: bytes, now: datetime, expires_at: datetime) -> None:
        """Use `token` up, admit its successor, extend the session. Raises `ConcurrentChange` to all but the first."""
        ...

    async def revoke(self, session_id: UUID, now: datetime) -> None: ...

    async def revoke_all(self, user_id: UUID, now: datetime, keep: UUID | None = None) -> None:
        """End every session of a user, but for `keep`."""
        ...

    async def purge(self, ended_before: datetime, limit: int) -> int:
        """Forget up to `limit` sessions that ended before, with their tokens; how many there were."""
        ...
