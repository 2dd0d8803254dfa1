"""Identifiers: UUIDv7 (RFC 9562 §5.7), whose time prefix keeps indexes append-only."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh UUIDv7; ids made later in one process sort later."""
    return uuid7()
