"""Column types that mean the same on all four databases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import BINARY, TIMESTAMP, BigInteger, DateTime, Dialect, LargeBinary, String, Text, TypeDecorator, Uuid
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

S = TypeVar("S", bound=StrEnum)
Convert = Callable[[Any], Any]


class Id(TypeDecorator[UUID]):
    """A UUID: native on PostgreSQL, sixteen bytes elsewhere; sorts by its (v7) time prefix on each."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Uuid())
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(BINARY(16))
        return dialect.type_descriptor(LargeBinary(16))

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return None if dialect.name == "postgresql" else _bytes_of

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return None if dialect.name == "postgresql" else _id_of


def _bytes_of(value: UUID | None) -> bytes | None:
    return None if value is None else value.bytes


def _id_of(value: bytes | None) -> UUID | None:
    return None if value is None else UUID(bytes=value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC with microseconds; a naive one is refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(BigInteger())

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        ways: dict[str, Convert] = {"sqlite": _to_micros, "postgresql": _to_utc}
        return ways.get(dialect.name, _to_naive)

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        ways: dict[str, Convert] = {"sqlite": _from_micros, "postgresql": _to_utc}
        return ways.get(dialect.name, _from_naive)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _to_micros(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise _no_zone()
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _from_micros(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


def _to_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise _no_zone()
    return moment.astimezone(UTC)


def _to_naive(moment: datetime | None) -> datetime | None:
    aware = _to_utc(moment)
    return None if aware is None else aware.replace(tzinfo=None)


def _from_naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _no_zone() -> ValueError:
    return ValueError("a moment without a time zone cannot be stored")


class Enumeration(TypeDecorator[S], Generic[S]):
    """A `StrEnum` as its value, so that the table reads like the code."""

    impl = String(32)
    cache_ok = True

    def __init__(self, enum: type[S]) -> None:
        self.enum = enum
        super().__init__()

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return _text_of

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        # Strict as the enum itself, and a call less for each value.
        members: dict[str | None, S | None] = {None: None} | {str(member): member for member in self.enum}
        return members.__getitem__


def _text_of(value: str | None) -> str | None:
    return None if value is None else str(value)


class Json(TypeDecorator[Any]):
    """Any msgspec-encodable `shape` as JSON text (JSONB on PostgreSQL would reorder keys: not wanted)."""

    impl = Text
    cache_ok = True

    def __init__(self, shape: Any = Any) -> None:
        self.shape = shape
        super().__init__()

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.LONGTEXT())
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TEXT())
        return dialect.type_descriptor(Text())

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return _json_of

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        decode = msgspec.json.Decoder(self.shape).decode
        return lambda value: None if value is None else decode(value)


def _json_of(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
