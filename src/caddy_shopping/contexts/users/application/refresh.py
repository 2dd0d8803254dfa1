"""A session goes on: one refresh token is traded for the next."""

import msgspec

from caddy_shopping.contexts.users.application.opening import SessionDesk
from caddy_shopping.contexts.users.application.ports import UsersTransaction
from caddy_shopping.contexts.users.application.views import SignedIn
from caddy_shopping.contexts.users.domain.errors import RefreshTokenInvalid, RefreshTokenReused
from caddy_shopping.contexts.users.domain.session import Lifetimes, Verdict, digest, successor_of
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class Refresh(msgspec.Struct, frozen=True, kw_only=True):
    refresh_token: str


class RefreshHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    clock: Clock
    desk: SessionDesk
    lifetimes: Lifetimes
    secret: bytes

    async def __call__(self, command: Refresh) -> SignedIn:
        """Trade a refresh token, once, for a new pair of tokens.

        Whoever lost the answer may send the same token again for 30 seconds, as long as its successor is unused,
        and gets the same successor. Any other second use ends the session: somebody has a copy.
        """
        async with self.uow() as tx:
            # The end of a reused session must be committed, so its error is raised outside.
            signed_in = await self._trade(tx, command.refresh_token)
        if signed_in is None:
            raise RefreshTokenReused()
        return signed_in

    async def _trade(self, tx: UsersTransaction, token: str) -> SignedIn | None:
        now = self.clock.now()
        successor = successor_of(token, self.secret)
        stored = await tx.sessions.find_refresh_token(digest(token), digest(successor))
        if stored is None:
            raise RefreshTokenInvalid()
        verdict = stored.judge(now, self.lifetimes)
        if verdict is Verdict.DEAD:
            raise RefreshTokenInvalid()
        if verdict is Verdict.REUSED:
            await tx.sessions.revoke(stored.session_id, now)
            return None
        user = await tx.users.get(stored.user_id)
        if user.disabled_at is not None:
            raise RefreshTokenInvalid()
        expires_at = stored.session_expires_at
        if verdict is Verdict.GOOD:
            expires_at = stored.extended(now, self.lifetimes)
            await tx.sessions.rotate(stored, digest(successor), now, expires_at)
        return self.desk.pair(user, stored.session_id, successor, expires_at)
