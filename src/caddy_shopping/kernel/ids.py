"""Identifiers: UUIDv7 (RFC 9562 §5.7), whose time prefix keeps indexes append-only."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id() -> UUID:
    """A fresh UUIDv7; ids made later in one process sort later."""
    return uuid7()


def first_id(moment: datetime) -> UUID:
    """The lower bound of all UUIDv7s made at `moment` or later. A bound, not an id."""
    since = moment - _EPOCH
    return UUID(int=(since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000) << 80)
