"""Cursors come back as they were, and nothing else passes for one."""

from uuid import UUID

import pytest

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest, Slice, encode_cursor


def test_a_cursor_returns_the_keyset_it_was_made_of() -> None:
    item = new_id()
    page = PageRequest(cursor=encode_cursor((12, item)))
    assert page.after(tuple[int, UUID]) == (12, item)
    assert PageRequest().after(tuple[int, UUID]) is None


@pytest.mark.parametrize("cursor", ["%%%", "AAAA", "é", encode_cursor(["a"]), encode_cursor({}), ""])
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        PageRequest(cursor=cursor).after(tuple[int, UUID])


def test_a_slice_knows_whether_more_follows() -> None:
    page = PageRequest(limit=2)
    assert Slice.cut([1, 2, 3], page, lambda n: n) == Slice([1, 2], encode_cursor(2))
    assert Slice.cut([1, 2], page, lambda n: n, total=2) == Slice([1, 2], None, 2)
    assert Slice.cut([], page, lambda n: n) == Slice([])
