"""The engine of this run, and its databases.

`SHOP_TEST_ENGINE` names it: SQLite (unless said otherwise), PostgreSQL, MariaDB or TiDB. A server is started at the
first need, one for each process (a worker of pytest-xdist has its own), and ends with the session.
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.support.server import Server
from tests.support.servers import ENGINES, available

VARIABLE = "SHOP_TEST_ENGINE"
SQLITE = "SQLite"


class Engine:
    """What this run's databases live on."""

    def __init__(self, name: str) -> None:
        if name != SQLITE and name not in ENGINES:
            raise pytest.UsageError(f"{VARIABLE} is one of {SQLITE}, {', '.join(ENGINES)}; not {name!r}")
        self.name = name
        self._server: Server | None = None
        self._made: dict[Path, str] = {}
        self._numbers = count()

    @property
    def embedded(self) -> bool:
        return self.name == SQLITE

    @property
    def ignores_checks(self) -> bool:
        """Whether a violated CHECK goes unnoticed, as it comes."""
        return self.name == "TiDB"

    def url_of(self, folder: Path) -> str:
        """The shop's database of a data folder: the same at each call, and empty at the first."""
        if self.embedded:
            return f"sqlite:///{folder}/shop.db"
        where = folder.resolve()
        if where not in self._made:
            self._made[where] = self.new_database()
        return self._made[where]

    def new_database(self) -> str:
        """The URL of an empty database on the server."""
        return self.server.new_database(f"shop_{next(self._numbers)}")

    def forget(self, folder: Path) -> None:
        """Drop a folder's database, so that a session does not fill the disk. Nobody may be connected to it."""
        if url := self._made.pop(folder.resolve(), None):
            self.server.execute(f"DROP DATABASE {make_url(url).database}")

    def environment_of(self, folder: Path) -> dict[str, str]:
        """What leads a shop that keeps its files in `folder` to its database. SQLite needs no leading."""
        return {} if self.embedded else {"SHOP_DATABASE_URL": self.url_of(folder)}

    @property
    def server(self) -> Server:
        """The running server; there is none for SQLite."""
        if self._server is None:
            if reason := available()[self.name]:
                raise pytest.UsageError(reason)
            self._server = ENGINES[self.name]().start()
        return self._server

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()


ENGINE = Engine(os.environ.get(VARIABLE, SQLITE))


@pytest.fixture(scope="session", autouse=True)
def engine_of_this_run() -> Iterator[Engine]:
    """Leaves no server behind."""
    yield ENGINE
    ENGINE.stop()


def only_sqlite(what: str) -> pytest.MarkDecorator:
    """For tests of what SQLite alone has: its files, its locks, its pragmas."""
    return pytest.mark.skipif(not ENGINE.embedded, reason=f"SQLite only: {what}")
