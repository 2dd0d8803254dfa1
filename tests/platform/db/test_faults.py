"""A server's fault by its number: run it again, it is away, or it is a bug."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError

from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.platform.db.faults import DatabaseBusy, DatabaseDown, classify


class Postgres(Exception):
    """As SQLAlchemy's adapter of asyncpg hands it on."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("words")
        self.sqlstate = sqlstate


class MySql(Exception):
    """As asyncmy raises it: the number first; the SQLSTATE says little."""

    def __init__(self, number: int, sqlstate: str = "HY000") -> None:
        super().__init__(number, "words")
        self.sqlstate = sqlstate


AGAIN: dict[str, BaseException] = {
    "PostgreSQL: serialization failure": Postgres("40001"),
    "PostgreSQL: deadlock": Postgres("40P01"),
    "PostgreSQL: lock not available": Postgres("55P03"),
    "MySQL: lock wait time-out": MySql(1205),
    "MySQL: deadlock": MySql(1213, "40001"),
    "MariaDB: record has changed since last read": MySql(1020),
    "MariaDB: CHECK failed": MySql(4025, "23000"),
    "MySQL: CHECK failed": MySql(3819),
    "TiDB: write conflict": MySql(9007),
    "TiDB: transaction aborted": MySql(8002),
    "TiDB: schema changed meanwhile": MySql(8028),
}
AWAY: dict[str, BaseException] = {
    "PostgreSQL: connection failure": Postgres("08006"),
    "PostgreSQL: shutting down": Postgres("57P01"),
    "PostgreSQL: starting up": Postgres("57P03"),
    "MySQL: cannot connect": MySql(2003),
    "MySQL: lost connection": MySql(2013),
    "MySQL: shutting down": MySql(1053),
}
FULL: dict[str, BaseException] = {
    "PostgreSQL: too many connections": Postgres("53300"),
    "MySQL: too many connections": MySql(1040, "08004"),
    "MySQL: too many connections of one user": MySql(1203, "42000"),
}
BUG: dict[str, BaseException] = {
    "PostgreSQL: no such column": Postgres("42703"),
    "PostgreSQL: statement cancelled": Postgres("57014"),
    "MySQL: no such column, which it calls operational": MySql(1054, "42S22"),
    "MySQL: too long": MySql(1406, "22001"),
}


def named(origin: BaseException, kind: type[DBAPIError] = OperationalError) -> Any:
    return classify(kind("SELECT 1", {}, origin))


@pytest.mark.parametrize("what", AGAIN)
def test_lost_races_are_run_again(what: str) -> None:
    assert isinstance(named(AGAIN[what]), ConcurrentChange)


@pytest.mark.parametrize("what", AWAY)
def test_a_server_that_is_away_is_called_away(what: str) -> None:
    assert isinstance(named(AWAY[what], InterfaceError), DatabaseDown)


@pytest.mark.parametrize("what", FULL)
def test_a_server_that_is_full_is_busy(what: str) -> None:
    assert isinstance(named(FULL[what]), DatabaseBusy)


@pytest.mark.parametrize("what", BUG)
def test_bugs_are_not_taken_for_outages(what: str) -> None:
    assert named(BUG[what]) is None
    assert named(BUG[what], ProgrammingError) is None
