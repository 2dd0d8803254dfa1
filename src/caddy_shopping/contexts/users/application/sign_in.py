"""Somebody proves with a password who they are."""

import msgspec

from caddy_shopping.contexts.users.application.opening import SessionDesk
from caddy_shopping.contexts.users.application.ports import PasswordHasher, SignInLimiter, UsersTransaction
from caddy_shopping.contexts.users.application.queries import Credentials, UserQueries
from caddy_shopping.contexts.users.application.views import SignedIn
from caddy_shopping.contexts.users.domain.errors import AccountDisabled, BadCredentials
from caddy_shopping.contexts.users.domain.text import email_key
from caddy_shopping.contracts.users import GuestSignedIn
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """`address` is the caller's network address."""

    actor: Actor
    email: str
    password: str
    address: str


class SignInHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]
    passwords: PasswordHasher
    limiter: SignInLimiter
    desk: SessionDesk
    queries: UserQueries

    async def __call__(self, command: SignIn) -> SignedIn:
        """Trade an e-mail address and a password for tokens.

        A guest who sends their access token brings their cart and orders along, and the guest's own sessions end.
        After ten tries in five minutes on one account from one place the answer is 429; an unknown address costs
        the same time as a wrong password.
        """
        tries = f"sign-in|{email_key(command.email)}|{command.address}"
        await self.limiter.attempt(tries)
        found = await self.queries.credentials_by_email(command.email)
        matches = await self.passwords.verify(found.password_hash if found else None, command.password)
        if found is None or found.password_hash is None or not matches:
            raise BadCredentials()
        signed_in = await self._open(command, found, await self._better_hash(found.password_hash, command.password))
        await self.limiter.forget(tries)
        return signed_in

    async def _better_hash(self, password_hash: str, password: str) -> str | None:
        return await self.passwords.hash(password) if self.passwords.needs_rehash(password_hash) else None

    async def _open(self, command: SignIn, found: Credentials, better_hash: str | None) -> SignedIn:
        async with self.uow() as tx:
            user = await tx.users.get(found.user_id)
            if user.password_hash != found.password_hash:
                raise BadCredentials()  # it was changed while we were hashing
            if user.disabled_at is not None:
                raise AccountDisabled()
            if better_hash is not None:
                user.set_password(better_hash)
            if command.actor.role is Role.GUEST:
                guest_id = command.actor.user_id
                tx.publish(GuestSignedIn(user_id=user.id, guest_id=guest_id))
                # What the guest did from now on would be nobody's.
                await tx.sessions.revoke_all(guest_id, self.desk.clock.now())
            return await self.desk.open(tx, user)
