"""Who may hand which rights to whom."""

from collections.abc import Collection

from caddy_shopping.contexts.users.domain.errors import (
    BeyondYourRights,
    PermissionsNeedStaff,
    PermissionUnknown,
    RoleNotGiven,
)
from caddy_shopping.kernel.actor import Actor, Role

MANAGE_USERS = "users:manage"
PERMISSIONS = ("notifications:manage", "orders:manage", "payments:manage", "products:manage", MANAGE_USERS)


def check_grant(role: Role, permissions: Collection[str]) -> None:
    """Refuse rights that make no sense: `RoleNotGiven`, `PermissionsNeedStaff`, `PermissionUnknown`."""
    if role not in (Role.CUSTOMER, Role.STAFF, Role.ADMIN):
        raise RoleNotGiven(role=role)
    if permissions and role is not Role.STAFF:
        raise PermissionsNeedStaff()
    for permission in permissions:
        if permission not in PERMISSIONS:
            raise PermissionUnknown(permission=permission, known=", ".join(PERMISSIONS))


def check_reach(actor: Actor, role: Role, permissions: Collection[str]) -> None:
    """Nobody climbs by handing out rights: raises `BeyondYourRights` where the actor lacks one of these."""
    if role is Role.ADMIN and actor.role not in (Role.ADMIN, Role.SYSTEM):
        raise BeyondYourRights()
    if not all(map(actor.may, permissions)):
        raise BeyondYourRights()
