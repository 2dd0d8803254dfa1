"""Column types that mean the same on all four databases."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import BINARY, TIMESTAMP, BigInteger, DateTime, Dialect, LargeBinary, String, Text, TypeDecorator, Uuid
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

S = TypeVar("S", bound=StrEnum)


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

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        if value is None or isinstance(value, UUID):
            return value
        return UUID(bytes=value)


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

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        if dialect.name == "sqlite":
            return _to_micros(value)
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return _from_micros(value)
        moment: datetime = value
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _to_micros(moment: datetime) -> int:
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _from_micros(micros: int) -> datetime:
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


class Enumeration(TypeDecorator[S], Generic[S]):
    """A `StrEnum` as its value, so that the table reads like the code."""

    impl = String(32)
    cache_ok = True

    def __init__(self, enum: type[S]) -> None:
        self.enum = enum
        super().__init__()

    def process_bind_param(self, value: S | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> S | None:
        return None if value is None else self.enum(value)


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

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value, type=self.shape)
