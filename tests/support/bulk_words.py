"""How rows of a large shop are said: SQL expressions of a number `i`, in each dialect.

Row `i` of a table has the id `bulk_id(ms, kind, i)`: a UUIDv7 of its own time, so that orders lie in several years.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

BEGIN = datetime(2025, 2, 1, tzinfo=UTC)
SPAN = timedelta(days=600)


@dataclass(frozen=True)
class Scale:
    products: int
    orders: int

    def at(self, n: int) -> datetime:
        """When order `n` was placed."""
        return BEGIN + timedelta(milliseconds=n * self.step)

    @property
    def step(self) -> int:
        return int(SPAN / timedelta(milliseconds=1)) // self.orders

    def ms(self, n: int) -> int:
        return _ms(self.at(n))

    def order_id(self, n: int) -> UUID:
        return bulk_id(self.ms(n), 1, n)


def bulk_id(ms: int, kind: int, n: int) -> UUID:
    return UUID(f"{ms:012x}7{kind:03x}8000{n:012x}")


def fixed_id(kind: int, n: int) -> UUID:
    """The id of what has no time of its own: a user, a product."""
    return bulk_id(_ms(BEGIN), kind, n)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


USER, PRODUCT, VARIANT = 2, 3, 4


class Words:
    """SQL of one dialect."""

    def __init__(self, dialect: str, scale: Scale) -> None:
        self._dialect, self.when = dialect, f"({_ms(BEGIN)} + i * {scale.step})"

    def id(self, kind: int, n: str = "i", ms: str | None = None) -> str:
        ms = ms or str(_ms(BEGIN))
        if self._dialect == "sqlite":
            return f"bulk_id({ms}, {kind}, {n})"
        if self._dialect == "postgresql":
            head, tail = f"lpad(to_hex({ms}::bigint), 12, '0')", f"lpad(to_hex(({n})::bigint), 12, '0')"
            return f"({head} || '7{kind:03x}8000' || {tail})::uuid"
        return f"UNHEX(CONCAT(LPAD(HEX({ms}), 12, '0'), '7{kind:03x}8000', LPAD(HEX({n}), 12, '0')))"

    def at(self, ms: str) -> str:
        ways = {"sqlite": f"{ms} * 1000", "postgresql": f"to_timestamp({ms} / 1000.0)"}
        return ways.get(self._dialect, f"TIMESTAMPADD(MICROSECOND, {ms} * 1000, '1970-01-01 00:00:00.000000')")

    def join(self, *parts: str) -> str:
        if self._dialect in ("sqlite", "postgresql"):
            return " || ".join(f"CAST({part} AS TEXT)" for part in parts)
        return f"CONCAT({', '.join(parts)})"

    def words(self, value: object) -> str:
        return f"'{json.dumps(value)}'"

    def true(self, condition: str = "1 = 1") -> str:
        return f"({condition})"

    def blob(self, word: str) -> str:
        return f"'{word}'::bytea" if self._dialect == "postgresql" else f"CAST('{word}' AS {self._binary})"

    @property
    def _binary(self) -> str:
        return "BLOB" if self._dialect == "sqlite" else "BINARY"
