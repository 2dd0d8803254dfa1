"""The shapes that every answer and every body has."""

from typing import Generic, TypeVar

import msgspec

from caddy_shopping.kernel.paging import PageRequest, Slice

T = TypeVar("T")


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of request bodies: camelCase on the wire, and a field that we do not know is refused by name."""


class ApiResponse(msgspec.Struct, Generic[T], frozen=True):
    """Every answer about one thing."""

    data: T


class Accepted(msgspec.Struct, frozen=True):
    """What was asked for happens later, if it happens: the answer does not tell."""

    accepted: bool = True


class PageInfo(msgspec.Struct, frozen=True, rename="camel", omit_defaults=False):
    """Where we are in a list. Send `nextCursor` as `cursor` to go on; `total` is there when asked for."""

    limit: int
    next_cursor: str | None
    has_more: bool
    total: int | msgspec.UnsetType = msgspec.UNSET


class PaginatedResponse(msgspec.Struct, Generic[T], frozen=True):
    """Every answer that is a list."""

    data: list[T]
    page: PageInfo


def paginated(rows: Slice[T], page: PageRequest) -> PaginatedResponse[T]:
    """The answer for one slice of a list."""
    total = msgspec.UNSET if rows.total is None else rows.total
    return PaginatedResponse(rows.items, PageInfo(page.limit, rows.next_cursor, rows.next_cursor is not None, total))
