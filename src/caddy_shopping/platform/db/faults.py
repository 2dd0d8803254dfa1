"""Which faults of a database mean "run it again", and which mean "it is away"."""

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
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


# PostgreSQL SQLSTATEs and MySQL errno for: serialization failure, deadlock, lock wait time-out.
_CONTENTION = {"40001", "40P01", "55P03", 1205, 1213, 8002, 9007}


def classify(fault: BaseException) -> ShopError | None:
    """The named error behind a database fault; None where it is a bug and must be seen as one.

    A violated constraint is a lost race more often than a bug: the handler checks first, so when it
    runs again it finds what the winner wrote and says so by its own name.
    """
    if isinstance(fault, (StaleDataError, IntegrityError)):
        return ConcurrentChange()
    if isinstance(fault, PoolTimeout):
        return DatabaseBusy(retry_after=1)
    if isinstance(fault, DBAPIError):
        origin = fault.orig
        code = getattr(origin, "sqlstate", None) or (origin.args[0] if origin is not None and origin.args else None)
        if code in _CONTENTION:
            return ConcurrentChange()
        if isinstance(origin, sqlite3.OperationalError):
            return _sqlite(str(origin))
        if fault.connection_invalidated or isinstance(fault, OperationalError):
            return DatabaseDown(retry_after=2)
    return None


def _sqlite(words: str) -> ShopError | None:
    """SQLite calls everything operational, a misspelt table too; its words tell them apart."""
    if "locked" in words:
        return DatabaseBusy(retry_after=1)
    if "unable to open" in words or "disk" in words:
        return DatabaseDown(retry_after=2)
    return None
