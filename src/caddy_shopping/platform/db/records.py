"""Aggregates and their rows without an object-relational session: plain objects in, the columns that changed out.

For the aggregates that every checkout loads and changes. A session instruments each attribute, sorts and cascades at
each flush and takes a greenlet for each statement; for an order that is paid that was three quarters of the work
(docs/adr/0010). Here an object is made from its row, and on saving compared with what was read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Table, bindparam, insert, update

from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.kernel.events import Aggregate
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.lines import NONE
from caddy_shopping.platform.db.prepared import Parameters, Prepared, Rows

T = TypeVar("T")
Row = dict[str, Any]


class Record(Generic[T]):
    """How the objects of one dataclass lie in one table: each column is the field of its name, except

    - `money`: field → column of its amount; all of a row share its `currency`;
    - `given`: columns that the object does not carry (its parent's id), which are said on saving.
    """

    def __init__(
        self, kind: type[T], table: Table, *, money: Mapping[str, str] = NONE, given: Sequence[str] = ()
    ) -> None:
        self._kind = kind
        self._table = table
        self._money = tuple(money.items())
        elsewhere = {*given, *money.values(), *(["currency"] if money else [])}
        self._plain = tuple(column.key for column in table.c if column.key not in elsewhere)
        key = [column.key for column in table.primary_key]
        self._versioned = "version" in table.c
        self._found_by = (*key, "version") if self._versioned else tuple(key)
        self._may_change = tuple(column.key for column in table.c if column.key not in key)
        self._updates: dict[tuple[str, ...], Prepared] = {}
        self.insert = Prepared(insert(table))

    def make(self, row: Any, **more: Any) -> T:
        """The object of a row; `more` are fields that lie in other tables."""
        columns = row._asdict()
        fields = {name: columns[name] for name in self._plain} | more
        for name, amount in self._money:
            fields[name] = Money(columns[amount], columns["currency"])
        return self._kind(**fields)

    def values(self, thing: T, given: Parameters = NONE) -> Row:
        """The object's columns as they are now."""
        fields = vars(thing)
        row: Row = {name: fields[name] for name in self._plain}
        row.update(given)
        for name, amount in self._money:
            money = fields[name]
            row[amount], row["currency"] = money.amount, money.currency
        return row

    def change(self, before: Row, now: Row) -> tuple[Prepared, Row, bool] | None:
        """The UPDATE of what is another value than before, its parameters, and whether it must find its version.

        None where all is the same. A list is another where it was replaced, so replace it.
        """
        changed = tuple(name for name in self._may_change if name in before and before[name] != now[name])
        if not changed:
            return None
        parameters = {f"new_{name}": now[name] for name in changed}
        for name in self._found_by:
            parameters[f"old_{name}"] = before.get(name, now[name])
        return self._update(changed), parameters, self._versioned

    def _update(self, changed: tuple[str, ...]) -> Prepared:
        prepared = self._updates.get(changed)
        if prepared is None:
            columns = self._table.c
            found = (columns[name] == bindparam(f"old_{name}") for name in self._found_by)
            new = {name: bindparam(f"new_{name}", type_=columns[name].type) for name in changed}
            prepared = self._updates[changed] = Prepared(update(self._table).where(*found).values(new))
        return prepared


class Transaction(Protocol):
    """What a shelf takes of its transaction."""

    async def run(self, statement: Prepared, parameters: Parameters | Sequence[Parameters] = NONE) -> Rows:
        """Run a prepared statement: once, or for each parameter set of a sequence."""
        ...

    def track(self, aggregate: Aggregate) -> Aggregate:
        """Keep hold of an aggregate, so that its events are not lost."""
        ...


class Shelf(Generic[T]):
    """The objects of one class in one transaction, by their `id`: each row is one object, however often it is read."""

    def __init__(self, tx: Transaction, record: Record[T]) -> None:
        self._tx = tx
        self._record = record
        self._things: dict[Any, T] = {}
        self._read: dict[Any, Row] = {}

    def __iter__(self) -> Iterator[T]:
        return iter(self._things.values())

    def get(self, key: Any) -> T | None:
        """What was read or added under this id in this transaction."""
        return self._things.get(key)

    async def find(self, query: Prepared, parameters: Parameters = NONE) -> list[T]:
        """The objects of the rows that a SELECT of all columns finds."""
        return [self.take(row) for row in await self._tx.run(query, parameters)]

    def take(self, row: Any, **more: Any) -> T:
        """The object of a row that was read."""
        known = self._things.get(row.id)
        if known is not None:
            return known
        thing = self.add(self._record.make(row, **more))
        self._read[row.id] = self._record.values(thing)
        return thing

    def add(self, thing: T) -> T:
        """Put a new object here, to be inserted."""
        self._things[thing.id] = thing  # type: ignore[attr-defined]  # every row has one
        if isinstance(thing, Aggregate):
            self._tx.track(thing)
        return thing

    async def save(self, things: Iterable[T] | None = None, **given: Any) -> None:
        """Insert what is new and update what has changed, of all or of `things`.

        Raises `ConcurrentChange` where somebody else's version is there by now.
        """
        new: list[Row] = []
        for thing in list(self) if things is None else things:
            now = self._record.values(thing, given)
            before = self._read.get(now["id"])
            if before is None:
                new.append(now)
            elif change := self._record.change(before, now):
                statement, parameters, versioned = change
                done = await self._tx.run(statement, parameters)
                if versioned and done.rowcount != 1:
                    raise ConcurrentChange()
            self._read[now["id"]] = now
        if new:
            await self._tx.run(self._record.insert, new)
