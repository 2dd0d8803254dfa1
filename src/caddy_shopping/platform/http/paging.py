"""Which page of a list a request asks for: `?limit=20&cursor=…&total=true`."""

from typing import Annotated

from litestar.params import QueryParameter

from caddy_shopping.kernel.paging import MAX_LIMIT, PageRequest

Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="How many rows at most.")]
Cursor = Annotated[
    str | None,
    QueryParameter(min_length=1, max_length=512, description="Where to go on: `page.nextCursor` of the page before."),
]
Total = Annotated[bool, QueryParameter(description="Also count all rows, which costs time.")]


def page_request(limit: Limit = 20, cursor: Cursor = None, total: Total = False) -> PageRequest:
    """The dependency `page`: 1 to 100 rows, 20 unless said otherwise."""
    return PageRequest(limit, cursor, total)
