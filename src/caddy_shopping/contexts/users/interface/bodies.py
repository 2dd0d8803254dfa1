"""What clients send to the users context. Rules of the shop are checked by the domain; here only shape and size."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from caddy_shopping.contexts.users.domain.address import AddressDetails
from caddy_shopping.kernel.actor import Role
from caddy_shopping.platform.http.wire import Body

Language = Annotated[Literal["en", "zh"], Meta(examples=["en"], description="`en` or `zh`.")]
Email = Annotated[str, Meta(min_length=3, max_length=254, examples=["wei@example.com"])]
Name = Annotated[str, Meta(min_length=1, max_length=100, examples=["Wang Wei"])]
Phone = Annotated[str, Meta(min_length=1, max_length=40, examples=["+86 138 0013 8000"])]
Password = Annotated[
    str, Meta(min_length=1, max_length=128, examples=["correct-horse-battery"], description="10 to 128 characters.")
]
Token = Annotated[str, Meta(min_length=1, max_length=128, examples=["bKq0r1iU5rXh2yTq4q3yq0s8m9Zc1vWn7d6fJtEoP2A"])]
Permission = Annotated[str, Meta(min_length=1, max_length=64, examples=["orders:manage"])]


class RegisterBody(Body, frozen=True, kw_only=True):
    email: Email
    password: Password
    name: Name
    language: Language | UnsetType = UNSET
    """What mails are written in; the language of the request unless said."""


class SignInBody(Body, frozen=True, kw_only=True):
    email: Annotated[str, Meta(min_length=1, max_length=254, examples=["wei@example.com"])]
    password: Password


class RefreshBody(Body, frozen=True, kw_only=True):
    refresh_token: Token


class ChangePasswordBody(Body, frozen=True, kw_only=True):
    current_password: Password
    new_password: Password


class ForgotBody(Body, frozen=True, kw_only=True):
    email: Email


class ResetBody(Body, frozen=True, kw_only=True):
    token: Token
    password: Password


class ConfirmBody(Body, frozen=True, kw_only=True):
    token: Token


class ProfileBody(Body, frozen=True, kw_only=True):
    """What is left out stays as it is."""

    name: Name | UnsetType = UNSET
    phone: Phone | UnsetType | None = UNSET
    language: Language | UnsetType = UNSET


class AddressBody(Body, frozen=True, kw_only=True):
    """The same fields as the address of an order. `country` is ISO 3166-1 alpha-2."""

    name: Annotated[str, Meta(min_length=1, max_length=200, examples=["王伟"])]
    phone: Phone | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)", examples=["CN"])]
    region: Annotated[str, Meta(min_length=1, max_length=100, examples=["广东省"])] | None = None
    city: Annotated[str, Meta(min_length=1, max_length=200, examples=["深圳市"])]
    line1: Annotated[str, Meta(min_length=1, max_length=200, examples=["南山区科技园路 1 号"])]
    line2: Annotated[str, Meta(min_length=1, max_length=200, examples=["3 栋 502"])] | None = None
    postal_code: Annotated[str, Meta(min_length=1, max_length=20, examples=["518057"])] | None = None
    is_default: bool = False

    def details(self) -> AddressDetails:
        return AddressDetails(**{name: getattr(self, name) for name in AddressDetails.__struct_fields__})


class CreateStaffBody(Body, frozen=True, kw_only=True):
    """Without a password the colleague gets a mail with a link to set one."""

    email: Email
    name: Name
    role: Annotated[Role, Meta(examples=["staff"], description="`staff` or `admin`.")]
    permissions: Annotated[list[Permission], Meta(max_length=20)] = field(default_factory=list)
    language: Language = "en"
    password: Password | None = None


class RoleBody(Body, frozen=True, kw_only=True):
    """`permissions` are for `staff` only: admins hold all, customers none."""

    role: Annotated[Role, Meta(examples=["staff"], description="`customer`, `staff` or `admin`.")]
    permissions: Annotated[list[Permission], Meta(max_length=20)] = field(default_factory=list)
