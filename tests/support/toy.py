"""A context of three lines, for testing the platform without a shop."""

from dataclasses import dataclass
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update

from caddy_shopping.kernel.events import Event
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.unit_of_work import Transaction, UnitOfWork
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.db.types import Id
from caddy_shopping.platform.db.unit_of_work import SqlTransaction

metadata = MetaData()
counters = Table(
    "toy_counters",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(40), nullable=False, unique=True),
    Column("value", Integer, nullable=False),
)
platform_tables = PlatformTables.of(metadata, "toy")


class Counted(Event, frozen=True, kw_only=True):
    topic: ClassVar[str] = "toy"
    counter_id: UUID
    value: int

    @property
    def key(self) -> UUID:
        return self.counter_id


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """Add `by` to the counter called `name`, making it when there is none."""

    name: str = "a"
    by: int = 1


class Counter(msgspec.Struct, frozen=True):
    name: str
    value: int


class ToyTransaction(Transaction, Protocol):
    async def count(self, name: str, by: int) -> tuple[UUID, int]: ...


class SqlToyTransaction(SqlTransaction):
    async def count(self, name: str, by: int) -> tuple[UUID, int]:
        found = (await self.session.execute(select(counters).where(counters.c.name == name))).first()
        if found is None:
            counter_id = new_id()
            await self.session.execute(insert(counters).values(id=counter_id, name=name, value=by))
            return counter_id, by
        changed = update(counters).where(counters.c.name == name).values(value=counters.c.value + by)
        await self.session.execute(changed)
        return found.id, found.value + by


@dataclass(frozen=True, slots=True)
class CountHandler:
    uow: UnitOfWork[ToyTransaction]
    fault: Exception | None = None
    """Raised inside the transaction, after the effect."""

    async def __call__(self, command: Count) -> Counter:
        async with self.uow() as tx:
            counter_id, value = await tx.count(command.name, command.by)
            tx.publish(Counted(counter_id=counter_id, value=value))
            if self.fault is not None:
                raise self.fault
            return tx.reply(Counter(command.name, value))
