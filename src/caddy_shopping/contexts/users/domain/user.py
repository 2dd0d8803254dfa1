"""The account: a guest at first, or a person with an e-mail address; what they may do; where they live."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from caddy_shopping.contexts.users.domain.address import Address, AddressDetails
from caddy_shopping.contexts.users.domain.errors import (
    AddressNotFound,
    AlreadyRegistered,
    EmailAlreadyConfirmed,
    NotRegistered,
    TooManyAddresses,
)
from caddy_shopping.contexts.users.domain.permissions import check_grant
from caddy_shopping.contexts.users.domain.text import clean_email, clean_text, email_key
from caddy_shopping.contracts.users import (
    EmailConfirmationRequested,
    PasswordResetRequested,
    UserDisabled,
    UserRegistered,
)
from caddy_shopping.kernel.actor import Role
from caddy_shopping.kernel.events import Aggregate
from caddy_shopping.kernel.ids import new_id

NAME_LIMIT = 100
PHONE_LIMIT = 40
MAX_ADDRESSES = 20


@dataclass(eq=False)
class User(Aggregate):
    """`email`, `name` and `password_hash` are None for a guest; `email_key` is what the e-mail is found by."""

    id: UUID
    role: Role
    language: str
    created_at: datetime
    email: str | None = None
    email_key: str | None = None
    email_confirmed_at: datetime | None = None
    password_hash: str | None = None
    name: str | None = None
    phone: str | None = None
    permissions: list[str] = field(default_factory=list)
    disabled_at: datetime | None = None
    version: int = 1
    addresses: list[Address] = field(default_factory=list)

    @classmethod
    def guest(cls, language: str, now: datetime) -> "User":
        return cls(new_id(), Role.GUEST, language, now)

    @classmethod
    def staff(
        cls, email: str, name: str, language: str, now: datetime, role: Role, permissions: Collection[str]
    ) -> "User":
        """An account that staff made for a colleague; it has no password yet."""
        user = cls(new_id(), Role.CUSTOMER, language, now)
        user._take_identity(email, name)
        user.grant(role, permissions)
        return user

    def register(self, email: str, name: str, password_hash: str) -> None:
        """A guest becomes a customer and keeps their id. Raises `AlreadyRegistered`, `EmailInvalid`, `TextInvalid`."""
        if self.role is not Role.GUEST:
            raise AlreadyRegistered()
        self._take_identity(email, name)
        self.role = Role.CUSTOMER
        self.password_hash = password_hash
        self.record(UserRegistered(user_id=self.id, email=self.mailbox, name=self.shown_name, language=self.language))

    def _take_identity(self, email: str, name: str) -> None:
        self.email = clean_email(email)
        self.email_key = email_key(email)
        self.name = clean_text(name, "name", NAME_LIMIT)

    @property
    def mailbox(self) -> str:
        """The e-mail address. Raises `NotRegistered` for guests."""
        if self.email is None:
            raise NotRegistered()
        return self.email

    @property
    def shown_name(self) -> str:
        return self.name or ""

    def confirmation_mail(self, token: str) -> EmailConfirmationRequested:
        """Raises `NotRegistered`, `EmailAlreadyConfirmed`."""
        email = self.mailbox
        if self.email_confirmed_at is not None:
            raise EmailAlreadyConfirmed()
        return EmailConfirmationRequested(
            user_id=self.id, email=email, name=self.shown_name, language=self.language, token=token
        )

    def reset_mail(self, token: str) -> PasswordResetRequested:
        """Raises `NotRegistered`."""
        return PasswordResetRequested(
            user_id=self.id, email=self.mailbox, name=self.shown_name, language=self.language, token=token
        )

    def confirm_email(self, now: datetime) -> None:
        """The owner showed that mail reaches them; once is enough."""
        if self.email_confirmed_at is None:
            self.email_confirmed_at = now
            self.touch()

    def set_password(self, password_hash: str) -> None:
        self.password_hash = password_hash
        self.touch()

    def rename(self, name: str) -> None:
        self.name = clean_text(name, "name", NAME_LIMIT)
        self.touch()

    def call_at(self, phone: str | None) -> None:
        self.phone = None if phone is None else clean_text(phone, "phone", PHONE_LIMIT)
        self.touch()

    def speak(self, language: str) -> None:
        self.language = language
        self.touch()

    def grant(self, role: Role, permissions: Collection[str]) -> None:
        """Raises `NotRegistered` for guests, and what `check_grant` raises."""
        check_grant(role, permissions)
        if self.email is None:
            raise NotRegistered()
        self.role = role
        self.permissions = sorted(set(permissions))
        self.touch()

    def disable(self, now: datetime) -> None:
        """Close the account to its owner; closing it twice changes nothing."""
        if self.disabled_at is None:
            self.disabled_at = now
            self.record(UserDisabled(user_id=self.id))

    def enable(self) -> None:
        if self.disabled_at is not None:
            self.disabled_at = None
            self.touch()

    def add_address(self, details: AddressDetails, is_default: bool, now: datetime) -> Address:
        """The first address is the default whatever it says. Raises `TooManyAddresses`, `TextInvalid`."""
        if len(self.addresses) >= MAX_ADDRESSES:
            raise TooManyAddresses(limit=MAX_ADDRESSES)
        address = Address.create(details, now)
        self.addresses.append(address)
        if is_default or len(self.addresses) == 1:
            self._prefer(address)
        self.touch()
        return address

    def change_address(self, address_id: UUID, details: AddressDetails, is_default: bool) -> Address:
        """One address is always the default: it stays so until another is made it. Raises `AddressNotFound`."""
        address = self._address(address_id)
        address.rewrite(details)
        if is_default:
            self._prefer(address)
        self.touch()
        return address

    def remove_address(self, address_id: UUID) -> None:
        """The oldest of the others becomes the default where the default goes. Raises `AddressNotFound`."""
        address = self._address(address_id)
        self.addresses.remove(address)
        if address.is_default and self.addresses:
            self._prefer(min(self.addresses, key=lambda other: other.id))
        self.touch()

    def _address(self, address_id: UUID) -> Address:
        for address in self.addresses:
            if address.id == address_id:
                return address
        raise AddressNotFound()

    def _prefer(self, chosen: Address) -> None:
        for address in self.addresses:
            address.is_default = address is chosen


class Users(Protocol):
    """The accounts of one transaction."""

    async def get(self, user_id: UUID) -> User:
        """Without its addresses, which cannot be touched then. Raises `UserNotFound`."""
        ...

    async def get_with_addresses(self, user_id: UUID) -> User:
        """Raises `UserNotFound`."""
        ...

    async def has_email(self, email: str) -> bool:
        """Whether an account has this e-mail address, in any spelling."""
        ...

    async def find_by_email(self, email: str) -> User | None:
        """Without its addresses."""
        ...

    async def other_admins(self, user_id: UUID) -> int:
        """How many active admins there are beside `user_id`."""
        ...

    async def add(self, user: User) -> None:
        """Write a new account at once, so that what refers to it can follow."""
        ...
