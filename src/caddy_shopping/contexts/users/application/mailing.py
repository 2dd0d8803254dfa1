"""How a one-time token gets into a mail: its hash stays here, itself travels in the event."""

import msgspec

from caddy_shopping.contexts.users.application.ports import UsersTransaction
from caddy_shopping.contexts.users.domain.mail_token import MailToken, Purpose
from caddy_shopping.contexts.users.domain.session import Lifetimes, digest, new_token
from caddy_shopping.contexts.users.domain.user import User
from caddy_shopping.kernel.clock import Clock


class MailDesk(msgspec.Struct, frozen=True):
    """Asks for the two mails that carry a token; an earlier mail of the same kind stops working."""

    clock: Clock
    lifetimes: Lifetimes

    async def ask_to_confirm(self, tx: UsersTransaction, user: User) -> None:
        """Raises `NotRegistered`, `EmailAlreadyConfirmed`."""
        token = new_token()
        tx.publish(user.confirmation_mail(token))
        await self._keep(tx, user, Purpose.CONFIRM_EMAIL, token)

    async def offer_reset(self, tx: UsersTransaction, user: User) -> None:
        """Raises `NotRegistered`."""
        token = new_token()
        tx.publish(user.reset_mail(token))
        await self._keep(tx, user, Purpose.RESET_PASSWORD, token)

    async def _keep(self, tx: UsersTransaction, user: User, purpose: Purpose, token: str) -> None:
        now = self.clock.now()
        lives = self.lifetimes.reset if purpose is Purpose.RESET_PASSWORD else self.lifetimes.confirmation
        await tx.mail_tokens.replace(MailToken(digest(token), user.id, purpose, now, now + lives))
