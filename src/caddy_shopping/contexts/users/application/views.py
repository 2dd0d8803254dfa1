"""What the users context answers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from caddy_shopping.contexts.users.domain.address import Address
from caddy_shopping.contexts.users.domain.user import User
from caddy_shopping.kernel.actor import Role


def _example(value: object, description: str = "") -> msgspec.Meta:
    return msgspec.Meta(examples=[value], description=description or None)


class AccountView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An account as its owner and staff see it. A guest has no e-mail, name or phone."""

    id: UUID
    role: Annotated[Role, _example("customer")]
    language: Annotated[str, _example("en")]
    email: Annotated[str, _example("wei@example.com")] | None
    email_confirmed: bool
    name: Annotated[str, _example("Wang Wei")] | None
    phone: Annotated[str, _example("+86 138 0013 8000")] | None
    permissions: Annotated[list[str], _example(["orders:manage"], "Of staff; admins hold all.")]
    disabled: bool
    created_at: datetime
    version: Annotated[int, _example(1, "The ETag; send it as If-Match where that is asked for.")]

    @classmethod
    def of(cls, user: User) -> "AccountView":
        return cls(
            id=user.id,
            role=user.role,
            language=user.language,
            email=user.email,
            email_confirmed=user.email_confirmed_at is not None,
            name=user.name,
            phone=user.phone,
            permissions=user.permissions,
            disabled=user.disabled_at is not None,
            created_at=user.created_at,
            version=user.version,
        )


class SignedIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Send `accessToken` as `Authorization: Bearer`; trade `refreshToken`, once, for the next pair."""

    access_token: str
    token_type: Annotated[str, _example("Bearer")] = "Bearer"
    expires_in: Annotated[int, _example(900, "Seconds that the access token lives.")]
    refresh_token: str
    refresh_expires_in: Annotated[int, _example(2_592_000, "Seconds that the refresh token lives.")]
    user: AccountView


class AddressView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One entry of the address book. `country` is ISO 3166-1 alpha-2."""

    id: UUID
    name: Annotated[str, _example("王伟")]
    phone: Annotated[str, _example("+86 138 0013 8000")] | None
    country: Annotated[str, _example("CN")]
    region: Annotated[str, _example("广东省")] | None
    city: Annotated[str, _example("深圳市")]
    line1: Annotated[str, _example("南山区科技园路 1 号")]
    line2: Annotated[str, _example("3 栋 502")] | None
    postal_code: Annotated[str, _example("518057")] | None
    is_default: bool
    created_at: datetime

    @classmethod
    def of(cls, address: Address) -> "AddressView":
        return cls(**{name: getattr(address, name) for name in cls.__struct_fields__})
