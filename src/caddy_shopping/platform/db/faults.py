"""Which faults of a database mean "run it again", and which mean "it is away"."""

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from caddy_shopping.kernel.errors import ConcurrentChange, ShopError, Unavailable


class DatabaseBusy(Unavailable):
    code = "DATABASE_BUSY"
    en = "Too many requests at once. Try again in a moment."
    zh = "系统繁忙，请稍后重试。"


class DatabaseDown(Unavailable):
    code = "DATABASE_DOWN"
    en = "The database cannot be reached. Try again in a moment."
    zh = "数据库暂时不可用，请稍后重试。"


# Serialization failure, deadlock, a lock waited for too long: SQLSTATEs of PostgreSQL, numbers of MySQL and MariaDB
# (1020: a snapshot that is too old), and of TiDB (its own deadlocks and conflicts, and a region that moved meanwhile).
_CONTENTION = {"40001", "40P01", "55P03", 1020, 1205, 1213, 8002, 8022, 8028, 9001, 9005, 9007}
_CHECK_FAILED = {3819, 4025}
"""MySQL and MariaDB call a violated CHECK operational."""
_CLIENT_SIDE = range(2000, 3000)
"""What MySQL's drivers number themselves: they did not get through."""
_FULL = {"53300", 1040, 1203}
"""It has all the connections that it takes."""
_SHUTTING_DOWN = {1053, 1077, 1152, 1184, 1927}
_AWAY = ("08", "57P")
"""SQLSTATEs that begin so: a connection's fault, an operator's intervention."""


def classify(fault: BaseException) -> ShopError | None:
    """The named error behind a database fault; None where it is a bug and must be seen as one.

    A violated constraint is a lost race more often than a bug: the handler checks first, so when it
    runs again it finds what the winner wrote and says so by its own name.
    """
    if isinstance(fault, (StaleDataError, IntegrityError)):
        return ConcurrentChange()
    if isinstance(fault, PoolTimeout):
        return DatabaseBusy(retry_after=1)
    return _of_driver(fault) if isinstance(fault, DBAPIError) else None


def _of_driver(fault: DBAPIError) -> ShopError | None:
    origin = fault.orig
    codes = {getattr(origin, "sqlstate", None), *(origin.args[:1] if origin is not None else ())}
    if codes & (_CONTENTION | _CHECK_FAILED):
        return ConcurrentChange()
    if codes & _FULL:
        return DatabaseBusy(retry_after=1)
    if isinstance(origin, sqlite3.OperationalError):
        return _sqlite(str(origin))
    if fault.connection_invalidated or any(map(_is_away, codes)):
        return DatabaseDown(retry_after=2)
    return None


def _is_away(code: object) -> bool:
    if isinstance(code, int):
        return code in _CLIENT_SIDE or code in _SHUTTING_DOWN
    return isinstance(code, str) and code.startswith(_AWAY)


def _sqlite(words: str) -> ShopError | None:
    """SQLite calls everything operational, a misspelt table too; its words tell them apart."""
    if "locked" in words:
        return DatabaseBusy(retry_after=1)
    if "unable to open" in words or "disk" in words:
        return DatabaseDown(retry_after=2)
    return None
