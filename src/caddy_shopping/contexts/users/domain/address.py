"""Where parcels go."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from caddy_shopping.contexts.users.domain.text import clean_text
from caddy_shopping.kernel.ids import new_id

_LIMITS = {
    "name": 200,
    "phone": 40,
    "country": 2,
    "region": 100,
    "city": 200,
    "line1": 200,
    "line2": 200,
    "postal_code": 20,
}


class AddressDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What is written on the parcel. `country` is ISO 3166-1 alpha-2."""

    name: str
    country: str
    city: str
    line1: str
    region: str | None = None
    phone: str | None = None
    line2: str | None = None
    postal_code: str | None = None

    def cleaned(self) -> "AddressDetails":
        """Every line stripped and in NFC. Raises `TextInvalid`."""
        lines: dict[str, Any] = {}
        for name, limit in _LIMITS.items():
            line: str | None = getattr(self, name)
            lines[name] = None if line is None else clean_text(line, name, limit)
        return AddressDetails(**lines)


@dataclass(eq=False)
class Address:
    """One entry of a user's address book; changed through its `User` only."""

    id: UUID
    name: str
    country: str
    city: str
    line1: str
    region: str | None
    phone: str | None
    line2: str | None
    postal_code: str | None
    is_default: bool
    created_at: datetime

    @classmethod
    def create(cls, details: AddressDetails, now: datetime) -> "Address":
        return cls(id=new_id(), is_default=False, created_at=now, **msgspec.structs.asdict(details.cleaned()))

    def rewrite(self, details: AddressDetails) -> None:
        for name, line in msgspec.structs.asdict(details.cleaned()).items():
            setattr(self, name, line)
