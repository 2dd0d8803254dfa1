"""What an engine says about how it ran a statement: which tables it read whole, how many rows it looked at."""

import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from caddy_shopping.platform.db.engine import Database
from tests.support.statements import counted

SMALL = 100
"""A table of no more rows is best read whole: a partition of next year's orders, the categories."""


@dataclass
class Plan:
    """`scans` are tables that were read from end to end; small ones are not counted, and neither is a walk along an
    index that a LIMIT ends. `partitions` is what was looked into of a partitioned table.

    `rows` is what was read. SQLite does not count it: there it is None.
    """

    sql: str
    text: str
    scans: list[str] = field(default_factory=list)
    partitions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    rows: int | None = 0

    def look(self, rows: float) -> None:
        self.rows = (self.rows or 0) + round(rows)


async def explained(database: Database, act: Callable[[], Awaitable[Any]], *before: str) -> list[Plan]:
    """Do `act`, then ask how each statement that it sent is run. What a statement changes is undone.

    `before`: statements for the session that is asked.
    """
    with counted() as sent:
        await act()
    plans = []
    for sql, parameters in sent:
        if sql.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            async with database.writer.connect() as connection:
                for statement in before:
                    await connection.exec_driver_sql(statement)
                plans.append(await _explain(connection, database.dialect, sql, parameters))
                await connection.rollback()
                if before or database.dialect == "mysql":
                    await connection.invalidate()  # nobody is to get this session's settings
    return plans


async def _explain(connection: AsyncConnection, dialect: str, sql: str, parameters: Any) -> Plan:
    if dialect == "mysql":
        await connection.exec_driver_sql("SET character_set_results = binary")  # plans quote ids as they are
    how, read = _WAYS[dialect]
    if parameters and isinstance(parameters, list) and isinstance(parameters[0], (tuple, list)):
        parameters = parameters[0]  # of many alike, one
    found = await connection.exec_driver_sql(f"{how} {sql}", tuple(parameters or ()))
    return read(sql, list(found.all()))


def _sqlite(sql: str, rows: list[Any]) -> Plan:
    details = [str(row[3]) for row in rows]
    plan = Plan(sql, "\n".join(details), rows=None)
    made = {words[1] for words in map(str.split, details) if words[0] in ("MATERIALIZE", "CO-ROUTINE")}
    walk = "LIMIT" in sql and "WHERE" not in sql and "TEMP B-TREE" not in plan.text
    for words in map(str.split, details):
        if words[0] == "SCAN" and words[1] not in made and "VIRTUAL" not in words and not (walk and "USING" in words):
            plan.scans.append(words[1])
    return plan


def _postgresql(sql: str, rows: list[Any]) -> Plan:
    tree = rows[0][0] if isinstance(rows[0][0], list) else json.loads(rows[0][0])
    plan = Plan(sql, json.dumps(tree, indent=1))
    for node in _dicts(tree):
        name, loops = node.get("Relation Name"), node.get("Actual Loops", 0)
        if name is None or not loops:
            continue
        looked_at = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * loops
        plan.look(looked_at)
        if node["Node Type"] == "Seq Scan" and looked_at > SMALL:
            plan.scans.append(name)
        if part := re.fullmatch(r"(.+)_(p\d{4}|p_future)", name):
            plan.partitions[part[1]].add(part[2])
    return plan


def _mariadb(sql: str, rows: list[Any]) -> Plan:
    # Conditions quote ids as they are, without regard to JSON.
    said = re.sub(r'"(\w*condition)": ".*?"(,?\n\s*["}])', r'"\1": ""\2', rows[0][0], flags=re.S)
    said = re.sub(r'\\(?!")', "/", said)
    plan = Plan(sql, said)
    for node in _dicts(json.loads(said, strict=False)):
        name, looked_at = node.get("table_name"), (node.get("r_rows") or 0) * (node.get("r_loops") or 0)
        if name is None or name.startswith("<"):
            continue
        plan.look(looked_at)
        if node["access_type"] == "ALL" and looked_at > SMALL:
            plan.scans.append(name)
        plan.partitions[name] |= set(node.get("partitions", ()))
    return plan


def _tidb(sql: str, rows: list[Any]) -> Plan:
    said = [[b"".join([cell or b""]).decode(errors="replace") for cell in row] for row in rows]
    plan = Plan(sql, "\n".join(" ".join([*row[:5], row[6]]) for row in said))
    inside: set[str] = set()
    for step, _, actual, _, what, _, how, *_ in said:
        if named := re.search(r"partition:([\w,]+)", what):
            inside = set(named[1].strip(",").split(","))
        table = re.search(r"table:(\w+)", what)
        if table is None:
            continue
        plan.partitions[table[1]] |= inside
        plan.look(float(actual))
        if "TableFullScan" in step and float(actual) > SMALL and "keep order:true" not in how:
            plan.scans.append(table[1])
    return plan


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON document."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _dicts(each)


_WAYS: dict[str, tuple[str, Callable[[str, list[Any]], Plan]]] = {
    "sqlite": ("EXPLAIN QUERY PLAN", _sqlite),
    "postgresql": ("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON)", _postgresql),
    "mariadb": ("ANALYZE FORMAT=JSON", _mariadb),
    "mysql": ("EXPLAIN ANALYZE", _tidb),  # TiDB; MySQL itself would want a reader of its own
}
