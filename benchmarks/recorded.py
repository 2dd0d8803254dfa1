"""The shop on PostgreSQL, with every statement written down on its way to the driver.

    python -m benchmarks.recorded FILE serve

FILE becomes a run of pickled tuples, the fields of `Said`, in the order in which they were said.
"""

import pickle
import sys
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.dialects.postgresql import asyncpg

from caddy_shopping.main.cli import main


class Said(NamedTuple):
    """`sql` is `COMMIT` or `ROLLBACK` where a transaction ended; `alone`: said outside any transaction."""

    connection: int
    sql: str
    parameters: Any = ()
    many: bool = False
    alone: bool = False


def write_down(path: Path) -> None:
    """From now on, for the whole process."""
    file = path.open("wb", buffering=0)
    cursors: Any = asyncpg.AsyncAdapt_asyncpg_cursor
    connections: Any = asyncpg.AsyncAdapt_asyncpg_connection

    def note(connection: Any, sql: str, parameters: Any = (), *, many: bool = False) -> None:
        alone = connection.isolation_level == "autocommit"
        # As a plain tuple: this module has another name where it is read.
        file.write(pickle.dumps((id(connection), sql, parameters, many, alone)))

    def saying(method: Any, many: bool) -> Any:
        def say(self: Any, sql: str, parameters: Any = ()) -> Any:
            note(self._adapt_connection, sql, parameters, many=many)
            return method(self, sql, parameters)

        return say

    def ending(method: Any, word: str) -> Any:
        def end(self: Any) -> Any:
            result = method(self)
            note(self, word)
            return result

        return end

    cursors.execute = saying(cursors.execute, False)
    cursors.executemany = saying(cursors.executemany, True)
    connections.commit = ending(connections.commit, "COMMIT")
    connections.rollback = ending(connections.rollback, "ROLLBACK")


if __name__ == "__main__":
    write_down(Path(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    main()
