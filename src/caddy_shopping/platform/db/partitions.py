"""Tables that are partitioned by the year in a UUIDv7, on the databases that can: not on SQLite (docs/adr/0008)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DDL, Table, event

from caddy_shopping.kernel.ids import first_id

FIRST_YEAR, LAST_YEAR = 2025, 2027
"""What a new table has partitions for. Older rows lie in the first, younger ones in `p_future` until it is split."""
FUTURE = "p_future"


def by_year(column: str) -> dict[str, Any]:
    """Arguments of a `Table` or of a migration's `create_table`. PostgreSQL wants `partitions_of` beside it."""
    years = [f"PARTITION p{year} VALUES LESS THAN ({bound(year + 1)})" for year in range(FIRST_YEAR, LAST_YEAR + 1)]
    ranges = ", ".join([*years, f"PARTITION {FUTURE} VALUES LESS THAN (MAXVALUE)"])
    on_mysql = f"RANGE COLUMNS ({column}) ({ranges})"
    return {
        "postgresql_partition_by": f"RANGE ({column})",
        "mysql_partition_by": on_mysql,
        "mariadb_partition_by": on_mysql,
    }


def partitions_of(table: str) -> list[str]:
    """PostgreSQL's statements that make the partitions of a new table."""
    ends = [f"'{start_of(year + 1)}'" for year in range(FIRST_YEAR, LAST_YEAR + 1)]
    names = [*(f"p{year}" for year in range(FIRST_YEAR, LAST_YEAR + 1)), FUTURE]
    return [
        f"CREATE TABLE {table}_{name} PARTITION OF {table} FOR VALUES FROM ({begin}) TO ({end})"
        for name, begin, end in zip(names, ["MINVALUE", *ends], [*ends, "MAXVALUE"], strict=True)
    ]


def complete(*tables: Table) -> None:
    """Let `metadata.create_all` make PostgreSQL's partitions as well."""
    for table in tables:
        for statement in partitions_of(table.name):
            make: Any = DDL
            event.listen(table, "after_create", make(statement).execute_if(dialect="postgresql"))


def start_of(year: int) -> str:
    """The first id of a year, as PostgreSQL writes it."""
    return str(first_id(datetime(year, 1, 1, tzinfo=UTC)))


def bound(year: int) -> str:
    """The first id of a year, as MySQL, MariaDB and TiDB write bytes."""
    return f"x'{first_id(datetime(year, 1, 1, tzinfo=UTC)).hex}'"


def years_in(names: Sequence[str]) -> list[int]:
    """The years among partitions' names (`p2025`, or `orders_p2025` as PostgreSQL has it)."""
    tails = [name.rpartition("p")[2] for name in names]
    return sorted(int(tail) for tail in tails if tail.isdigit())
