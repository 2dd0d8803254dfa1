"""People change what the shop calls them, where it calls, and in which language."""

import msgspec
from msgspec import UNSET, UnsetType

from caddy_shopping.contexts.users.application.ports import UsersTransaction
from caddy_shopping.contexts.users.application.views import AccountView
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.unit_of_work import UnitOfWork


class ChangeProfile(msgspec.Struct, frozen=True, kw_only=True):
    """UNSET leaves as it is."""

    actor: Actor
    name: str | UnsetType = UNSET
    phone: str | UnsetType | None = UNSET
    language: str | UnsetType = UNSET


class ChangeProfileHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]

    async def __call__(self, command: ChangeProfile) -> AccountView:
        """Change name, phone or language. What is left out stays; a phone of null is removed."""
        async with self.uow() as tx:
            user = await tx.users.get(command.actor.user_id)
            if command.name is not UNSET:
                user.rename(command.name)
            if command.phone is not UNSET:
                user.call_at(command.phone)
            if command.language is not UNSET:
                user.speak(command.language)
            return AccountView.of(user)
