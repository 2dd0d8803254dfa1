"""Keyset paging: a cursor names the last row seen, so page 1,000 costs what page 1 costs."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from caddy_shopping.kernel.errors import Invalid

T = TypeVar("T")
K = TypeVar("K")
MAX_LIMIT = 100


class CursorInvalid(Invalid):
    code = "CURSOR_INVALID"
    en = "This cursor was not made here, or for another sort order. Start again without one."
    zh = "游标无效，请从第一页重新开始。"


class PageRequest(msgspec.Struct, frozen=True):
    """`limit` rows (1 to 100) after `cursor`; `total` asks for the count too, which costs a scan."""

    limit: int = 20
    cursor: str | None = None
    total: bool = False

    def after(self, shape: type[K]) -> K | None:
        """The keyset that the cursor holds, e.g. `page.after(tuple[int, UUID])`; None on page one."""
        if self.cursor is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(self.cursor + "=" * (-len(self.cursor) % 4))
            return msgspec.json.decode(raw, type=shape)
        except (msgspec.MsgspecError, binascii.Error, ValueError):
            raise CursorInvalid() from None


class Slice(msgspec.Struct, Generic[T], frozen=True):
    """One page of `T`; `next_cursor` is None on the last."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = None

    @classmethod
    def cut(
        cls, rows: Sequence[T], page: PageRequest, key: Callable[[T], object], total: int | None = None
    ) -> "Slice[T]":
        """Make a page of `rows`, which were fetched with LIMIT `page.limit + 1`."""
        items = list(rows[: page.limit])
        more = len(rows) > page.limit
        return cls(items, encode_cursor(key(items[-1])) if more else None, total)


def encode_cursor(keyset: object) -> str:
    """An opaque, URL-safe cursor of the last row's sort values."""
    return base64.urlsafe_b64encode(msgspec.json.encode(keyset)).rstrip(b"=").decode()
