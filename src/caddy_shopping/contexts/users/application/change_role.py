"""What an account may do changes."""

from uuid import UUID

import msgspec

from caddy_shopping.contexts.users.application.ports import UsersTransaction
from caddy_shopping.contexts.users.application.views import AccountView
from caddy_shopping.contexts.users.domain.errors import LastAdmin, OwnAccount
from caddy_shopping.contexts.users.domain.permissions import MANAGE_USERS, check_reach
from caddy_shopping.contexts.users.domain.user import User
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.events import check_version
from caddy_shopping.kernel.unit_of_work import UnitOfWork


async def account_to_manage(tx: UsersTransaction, actor: Actor, user_id: UUID, version: int | None) -> User:
    """The account that staff is about to change, where they may.

    Raises `UserNotFound`, `OwnAccount`, `BeyondYourRights`, `PreconditionFailed`.
    """
    if actor.id == user_id:
        raise OwnAccount()
    user = await tx.users.get(user_id)
    check_reach(actor, user.role, user.permissions)
    check_version(user, version)
    return user


async def keep_an_admin(tx: UsersTransaction, user: User) -> None:
    """Raises `LastAdmin` where nobody could manage the shop without `user`."""
    if user.role is Role.ADMIN and user.disabled_at is None and not await tx.users.other_admins(user.id):
        raise LastAdmin()


class ChangeRole(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    user_id: UUID
    role: Role
    permissions: list[str]
    version: int | None = None


class ChangeRoleHandler(msgspec.Struct, frozen=True):
    uow: UnitOfWork[UsersTransaction]

    async def __call__(self, command: ChangeRole) -> AccountView:
        """Set the role of an account and, for staff, the list of permissions. Counts from the next request on.

        Nobody gives or takes rights that they do not hold, nor changes their own.
        """
        command.actor.require(MANAGE_USERS)
        check_reach(command.actor, command.role, command.permissions)
        async with self.uow() as tx:
            user = await account_to_manage(tx, command.actor, command.user_id, command.version)
            if command.role is not Role.ADMIN:
                await keep_an_admin(tx, user)
            user.grant(command.role, command.permissions)
            return AccountView.of(user)
