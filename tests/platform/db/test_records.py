"""Objects in rows: what is read comes back whole, only what changed is written, and nobody's change is overwritten."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, bindparam, select

from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.kernel.events import Aggregate
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.prepared import Parameters, Prepared
from caddy_shopping.platform.db.records import Record, Shelf
from caddy_shopping.platform.db.types import Id, Json
from caddy_shopping.platform.db.unit_of_work import SqlTransaction


@dataclass(eq=False)
class Note:
    id: UUID
    text: str


@dataclass(eq=False)
class Bill(Aggregate):
    id: UUID
    total: Money
    paid: Money
    words: list[str]
    notes: list[Note] = field(default_factory=list)
    version: int = 1


metadata = MetaData()
bills = Table(
    "bills",
    metadata,
    Column("id", Id, primary_key=True),
    Column("total_amount", BigInteger, nullable=False),
    Column("paid_amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("words", Json(list[str]), nullable=False),
    Column("version", Integer, nullable=False),
)
notes = Table(
    "notes",
    metadata,
    Column("bill_id", Id, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("text", String(50), nullable=False),
)
BILL: Record[Bill] = Record(Bill, bills, money={"total": "total_amount", "paid": "paid_amount"})
NOTE = Record(Note, notes, given=["bill_id"])
_BILLS = Prepared(select(bills).where(bills.c.id == bindparam("bill")))
_NOTES = Prepared(select(notes).where(notes.c.bill_id == bindparam("bill")))
A, B, N = UUID(int=1), UUID(int=2), UUID(int=7)


class Billing(SqlTransaction):
    """A transaction that keeps what it says."""

    def __init__(self, writing: Any) -> None:
        super().__init__(writing)
        self.bills, self.notes = Shelf(self, BILL), Shelf(self, NOTE)
        self.said: list[tuple[Prepared, Any]] = []

    async def run(self, statement: Prepared, parameters: Any = ()) -> Any:
        self.said.append((statement, parameters))
        return await super().run(statement, parameters)

    async def bill(self, key: UUID) -> Bill:
        return (await self.bills.find(_BILLS, {"bill": key}))[0]

    async def save(self) -> list[Parameters]:
        """Write all; the parameters of what that took."""
        before = len(self.said)
        await self.bills.save()
        for bill in self.bills:
            await self.notes.save(bill.notes, bill_id=bill.id)
        return [parameters for _, parameters in self.said[before:]]


@pytest.fixture
async def database(scratch_database: Database) -> Database:
    async with scratch_database.writer.begin() as connection:
        await connection.run_sync(metadata.create_all)
    async with transaction(scratch_database) as tx:
        tx.bills.add(Bill(A, Money(900, "CNY"), Money(0, "CNY"), ["a", "b"], [Note(N, "first")]))
        await tx.save()
    return scratch_database


@asynccontextmanager
async def transaction(database: Database) -> AsyncIterator[Billing]:
    async with database.writing() as writing:
        yield Billing(writing)


async def test_what_was_saved_comes_back_whole(database: Database) -> None:
    async with transaction(database) as tx:
        bill = await tx.bill(A)
        assert vars(bill) == {
            "id": A,
            "total": Money(900, "CNY"),
            "paid": Money(0, "CNY"),
            "words": ["a", "b"],
            "notes": [],
            "version": 1,
        }
        (note,) = await tx.notes.find(_NOTES, {"bill": A})
        assert (note.id, note.text) == (N, "first")


async def test_a_row_is_one_object_however_often_it_is_read(database: Database) -> None:
    async with transaction(database) as tx:
        bill = await tx.bill(A)
        bill.words = ["changed"]
        assert await tx.bill(A) is bill
        assert tx.bills.get(A) is bill
        assert tx.bills.get(B) is None


async def test_nothing_is_written_where_nothing_changed(database: Database) -> None:
    async with transaction(database) as tx:
        await tx.bill(A)
        assert await tx.save() == []


async def test_only_what_changed_is_written_and_only_once(database: Database) -> None:
    async with transaction(database) as tx:
        bill = await tx.bill(A)
        bill.paid, bill.version = Money(900, "CNY"), 2
        assert await tx.save() == [{"new_paid_amount": 900, "new_version": 2, "old_id": A, "old_version": 1}]
        assert await tx.save() == []
        bill.words = []
        bill.touch()
        assert await tx.save() == [{"new_words": [], "new_version": 3, "old_id": A, "old_version": 2}]


async def test_a_part_is_found_by_its_parent_too(database: Database) -> None:
    async with transaction(database) as tx:
        bill = await tx.bill(A)
        bill.notes = await tx.notes.find(_NOTES, {"bill": A})
        bill.notes[0].text = "second"
        bill.notes.append(Note(B, "new"))
        assert await tx.save() == [
            {"new_text": "second", "old_bill_id": A, "old_id": N},
            [{"id": B, "text": "new", "bill_id": A}],
        ]
    async with transaction(database) as tx:
        assert sorted(note.text for note in await tx.notes.find(_NOTES, {"bill": A})) == ["new", "second"]


async def test_a_change_of_what_somebody_else_changed_meanwhile_is_refused(database: Database) -> None:
    async with transaction(database) as tx:
        bill = await tx.bill(A)
        row = (await tx.run(_BILLS, {"bill": A})).first()
        bill.version = 2
        await tx.save()

    async with transaction(database) as tx:
        late = tx.bills.take(row)
        late.words = ["overwritten"]
        with pytest.raises(ConcurrentChange):
            await tx.save()
        # Whose version is the present one may write.
        now = Billing(tx._writing)
        (await now.bill(A)).words = ["mine"]
        await now.save()


async def test_aggregates_are_tracked_for_their_events(database: Database) -> None:
    async with transaction(database) as tx:
        bill = await tx.bill(A)
        added = Bill(B, Money(1, "CNY"), Money(0, "CNY"), [])
        tx.bills.add(added)
        assert list(tx._seen.values()) == [bill, added]
        tx.notes.add(Note(N, "no aggregate"))
        assert list(tx._seen.values()) == [bill, added]


def test_every_field_of_the_shops_records_is_mapped() -> None:
    """The constructor takes what a row has: a column without a field would fail at the first read only."""
    from caddy_shopping.contexts.orders.infrastructure import mapping as orders
    from caddy_shopping.contexts.payments.infrastructure import mapping as payments

    elsewhere: dict[Any, set[str]] = {orders.ORDER: {"lines", "refunds", "history"}}
    records: list[Record[Any]] = [orders.ORDER, orders.LINE, orders.REFUND, orders.HISTORY]
    for record in [*records, payments.PAYMENT, payments.REFUND]:
        named = {each.name for each in fields(record._kind)} - elsewhere.get(record, set())
        assert {*record._plain, *(name for name, _ in record._money)} == named
