"""Which mails a person wants."""

import msgspec

from caddy_shopping.contexts.notifications.application.ports import NotificationsTransaction
from caddy_shopping.contexts.notifications.application.views import PreferencesView
from caddy_shopping.contexts.notifications.domain.errors import SecurityMailRequired
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.errors import Detail
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class SetPreferences(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    email: dict[MailKind, bool]


class SetPreferencesHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[NotificationsTransaction]

    async def __call__(self, command: SetPreferences) -> PreferencesView:
        """Say which kinds of e-mail you want.

        Kinds that are not named are on. Mails that keep your account safe (confirming an address, a new
        password) cannot be switched off.
        """
        user_id = command.actor.user_id
        off = frozenset(kind for kind, wanted in command.email.items() if not wanted)
        for kind in sorted(off):
            if kind.always:
                refusal = SecurityMailRequired(kind=kind.value)
                where = Detail(f"/email/{kind.value}", refusal.code, refusal.message(command.actor.language))
                raise SecurityMailRequired(details=[where], kind=kind.value)
        async with self.uow() as tx:
            await tx.mutes.replace(user_id, off)
        return PreferencesView.without(off)
