"""Count the SQL that something costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event
from sqlalchemy.engine import Engine

from caddy_shopping.platform.db import lines
from caddy_shopping.platform.db.dialects.sqlite import Connection
from caddy_shopping.platform.db.prepared import Prepared


@contextmanager
def counted() -> Iterator[list[tuple[str, Any]]]:
    """(statement, parameters) of everything that is sent to any database meanwhile, but for a driver's own PRAGMAs."""
    sent: list[tuple[str, Any]] = []
    send, say = Connection.send, lines._say

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool) -> None:
        if context.dialect.driver != "shop":
            sent.append((statement, parameters))

    def noted(self: Connection, sql: str, parameters: Any, *, many: bool = False) -> Any:
        if not sql.startswith("PRAGMA"):
            sent.append((sql, parameters))
        return send(self, sql, parameters, many=many)

    def noted_say(connection: Any, statement: Prepared, parameters: Any) -> Any:
        recipe, values, _many = statement.bound(connection.dialect, parameters)
        sent.append((recipe.sql, values))
        return say(connection, statement, parameters)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with patch.object(Connection, "send", noted), patch.object(lines, "_say", noted_say):
            yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)
