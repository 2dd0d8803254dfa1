"""Who is asking."""

from enum import StrEnum
from uuid import UUID

import msgspec

from caddy_shopping.kernel.errors import Forbidden, Unauthenticated


class Role(StrEnum):
    """What an account is; staff and admins hold permissions besides."""

    ANONYMOUS = "anonymous"
    GUEST = "guest"
    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"
    SYSTEM = "system"


class PermissionMissing(Forbidden):
    code = "PERMISSION_MISSING"
    en = "This takes the permission '{permission}', which your account does not have."
    zh = "此操作需要权限“{permission}”，您的账户没有该权限。"


class Actor(msgspec.Struct, frozen=True):
    """The caller of a use case: an account with its permissions, or the system itself.

    `id` is the user's id, `session_id` the sign-in that the request came with; both are None for
    anonymous callers and for the system (jobs, consumers). Guests have no `email` either.
    """

    role: Role
    id: UUID | None = None
    session_id: UUID | None = None
    permissions: frozenset[str] = frozenset()
    language: str = "en"
    email: str | None = None

    def may(self, permission: str) -> bool:
        """Whether the actor holds `permission` (`"orders:manage"`); admins and the system hold all."""
        return self.role in (Role.ADMIN, Role.SYSTEM) or permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise `Unauthenticated` or `PermissionMissing` unless `may(permission)`."""
        if self.may(permission):
            return
        if self.id is None:
            raise Unauthenticated()
        raise PermissionMissing(permission=permission)

    @property
    def user_id(self) -> UUID:
        """The signed-in user's id (guests have one too). Raises `Unauthenticated` for nobody."""
        if self.id is None:
            raise Unauthenticated()
        return self.id


ANONYMOUS = Actor(Role.ANONYMOUS)
SYSTEM = Actor(Role.SYSTEM)
