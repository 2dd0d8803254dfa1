"""How a session begins, whichever way somebody signed in."""

from datetime import datetime
from uuid import UUID

import msgspec

from caddy_shopping.contexts.users.application.ports import AccessTokens, UsersTransaction
from caddy_shopping.contexts.users.application.views import AccountView, SignedIn
from caddy_shopping.contexts.users.domain.session import Lifetimes, UserSession, digest, new_token
from caddy_shopping.contexts.users.domain.user import User
from caddy_shopping.kernel.clock import Clock


class SessionDesk(msgspec.Struct, frozen=True):
    """Opens sessions and hands out their pair of tokens."""

    access_tokens: AccessTokens
    clock: Clock
    lifetimes: Lifetimes

    async def open(self, tx: UsersTransaction, user: User) -> SignedIn:
        """A new session for `user`, who is written already."""
        session = UserSession.start(user.id, self.clock.now(), self.lifetimes)
        token = new_token()
        await tx.sessions.add(session, digest(token))
        return self.pair(user, session.id, token, session.expires_at)

    def pair(self, user: User, session_id: UUID, refresh_token: str, expires_at: datetime) -> SignedIn:
        """The answer to a client whose session goes on until `expires_at`."""
        access_token, lives = self.access_tokens.issue(
            user_id=user.id, session_id=session_id, role=user.role, language=user.language
        )
        return SignedIn(
            access_token=access_token,
            expires_in=lives,
            refresh_token=refresh_token,
            refresh_expires_in=int((expires_at - self.clock.now()).total_seconds()),
            user=AccountView.of(user),
        )
