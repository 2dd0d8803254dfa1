"""INSERTs of objects that were just made, by their own mapping but without the session's bookkeeping.

A session's flush sorts, cascades and expires; for a new order with its lines and history that is most of the
cost of saving it. The columns come from the mapper, so nothing can be forgotten here that is mapped there.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import insert, inspect

from caddy_shopping.platform.db.prepared import Prepared


class Fresh:
    """Rows for new objects of one mapped class."""

    def __init__(self, mapped: type[Any]) -> None:
        mapper = inspect(mapped)
        self.statement = Prepared(insert(mapper.local_table))
        self._attributes = [
            (column.key, attribute.key) for attribute in mapper.column_attrs for column in attribute.columns
        ]

    def rows(self, objects: Iterable[Any], **given: Any) -> list[dict[str, Any]]:
        """Parameters of `statement`; `given` adds columns that the objects do not carry (the parent's id)."""
        return [{column: getattr(each, name) for column, name in self._attributes} | given for each in objects]
