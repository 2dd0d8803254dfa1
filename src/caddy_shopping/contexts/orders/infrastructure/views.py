"""Reads of the orders context, straight into what is answered."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from caddy_shopping.contexts.orders.application.queries import DueOrder, OrderFilter
from caddy_shopping.contexts.orders.application.views import (
    HistoryView,
    OrderDetail,
    OrderLineView,
    OrderSummary,
    RefundView,
    SummaryLine,
)
from caddy_shopping.contexts.orders.domain.cart import CartLine
from caddy_shopping.contexts.orders.domain.order import OrderStatus
from caddy_shopping.contexts.orders.infrastructure.repositories import cart_line
from caddy_shopping.contexts.orders.infrastructure.tables import (
    cart_items,
    order_claims,
    order_history,
    order_lines,
    order_refunds,
    orders,
)
from caddy_shopping.contracts.orders import OrderNotFound, PayableOrder
from caddy_shopping.kernel.ids import first_id
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.paging import PageRequest, Slice
from caddy_shopping.platform.db.engine import Database
from caddy_shopping.platform.db.prepared import Prepared

V = TypeVar("V", bound=msgspec.Struct)
UNFINISHED = (OrderStatus.PENDING_PAYMENT, OrderStatus.PAID, OrderStatus.SHIPPED)
_ORDER_MONEY = ("subtotal", "shipping", "tax", "total", "paid", "refunded")
_LINE_MONEY = ("unit_price", "tax", "total")
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_LINE = [column.label(f"line_{column.name}") for column in order_lines.c]
# The statements of every checkout are built once: building one costs more than running it.
_CART = Prepared(
    select(cart_items)
    .where(cart_items.c.customer_user_id == bindparam("user"), cart_items.c.del_flag == 0)
    .order_by(cart_items.c.added_at, cart_items.c.id)
)
_DETAIL = (
    select(orders, *_LINE)
    .outerjoin(order_lines, order_lines.c.order_id == orders.c.id)
    .order_by(order_lines.c.position)
)
_numbered = select(order_claims.c.order_id).where(order_claims.c.number == bindparam("reference")).scalar_subquery()
_DETAILS = {
    (by, owned): Prepared(_DETAIL.where(orders.c.id == key, *([orders.c.user_id == bindparam("user")] * owned)))
    for by, key in (("id", bindparam("reference")), ("number", _numbered))
    for owned in (False, True)
}
_PAYABLE = Prepared(
    select(*(orders.c[name] for name in PayableOrder.__struct_fields__ if name != "total"))
    .add_columns(orders.c.total_amount, orders.c.currency)
    .where(orders.c.id == bindparam("order"))
)
_REFUND = [column.label(f"refund_{column.name}") for column in order_refunds.c]
# Each entry with each refund: an order has few of both, and both come in one statement.
_PAST = Prepared(
    select(order_history, *_REFUND)
    .outerjoin(order_refunds, order_refunds.c.order_id == order_history.c.order_id)
    .where(order_history.c.order_id == bindparam("order"))
    .order_by(order_history.c.id, order_refunds.c.id)
)
MARGIN = timedelta(days=1)
"""An order's id is made before it is placed, by at most this: so a time of placing implies a range of ids."""


@dataclass(frozen=True, slots=True)
class SqlOrderQueries:
    database: Database

    async def cart_lines(self, user_id: UUID) -> list[CartLine]:
        async with self.database.glance() as glance:
            return [cart_line(row) for row in await glance.run(_CART, {"user": user_id})]

    async def find(self, reference: UUID | str, user_id: UUID | None) -> OrderDetail:
        owned = {} if user_id is None else {"user": user_id}
        query = _DETAILS["id" if isinstance(reference, UUID) else "number", bool(owned)]
        async with self.database.glance() as glance:
            rows = [row._asdict() for row in await glance.run(query, {"reference": reference} | owned)]
            if not rows:
                raise OrderNotFound()
            past = [row._asdict() for row in await glance.run(_PAST, {"order": rows[0]["id"]})]
        refunds, history = _refunds(past), _history(rows[0], past, with_actors=user_id is None)
        return _fill(OrderDetail, rows[0], _ORDER_MONEY, lines=_lines(rows), refunds=refunds, history=history)

    async def page(self, wanted: OrderFilter, page: PageRequest) -> Slice[OrderSummary]:
        conditions = _conditions(wanted)
        query = select(orders).where(*conditions).order_by(orders.c.placed_at.desc(), orders.c.id.desc())
        after = page.after(tuple[Moment, UUID])
        if after is not None:
            at, order_id = after
            earlier = and_(orders.c.placed_at == at, orders.c.id < order_id)
            query = query.where(or_(orders.c.placed_at < at, earlier), *_ids(None, at))
        async with self.database.read() as connection:
            rows = (await connection.execute(query.limit(page.limit + 1))).mappings().all()
            lines = await _summary_lines(connection, [row["id"] for row in rows[: page.limit]])
            counted = select(func.count()).select_from(orders).where(*conditions)
            total = (await connection.execute(counted)).scalar_one() if page.total else None
        found = [_fill(OrderSummary, row, ("total", "refunded"), lines=lines[row["id"]]) for row in rows]
        return Slice.cut(found, page, lambda order: (order.placed_at, order.id), total)

    async def payable(self, order_id: UUID) -> PayableOrder:
        async with self.database.glance() as glance:
            row = (await glance.run(_PAYABLE, {"order": order_id})).first()
        if row is None:
            raise OrderNotFound()
        return _fill(PayableOrder, row._asdict(), ("total",))

    async def unfinished(self, year: int) -> int:
        begin, end = (first_id(datetime(each, 1, 1, tzinfo=UTC)) for each in (year, year + 1))
        of_year = (orders.c.id >= begin, orders.c.id < end)
        query = select(func.count()).select_from(orders).where(*of_year, orders.c.status.in_(UNFINISHED))
        async with self.database.read() as connection:
            return (await connection.execute(query)).scalar_one()

    async def due(self, now: datetime, after: DueOrder | None, limit: int) -> list[DueOrder]:
        query = select(orders.c.expires_at, orders.c.id).where(
            orders.c.status == OrderStatus.PENDING_PAYMENT, orders.c.expires_at <= now
        )
        if after is not None:
            same = and_(orders.c.expires_at == after.expires_at, orders.c.id > after.order_id)
            query = query.where(or_(orders.c.expires_at > after.expires_at, same))
        query = query.order_by(orders.c.expires_at, orders.c.id).limit(limit)
        async with self.database.read() as connection:
            return [DueOrder(*row) for row in await connection.execute(query)]


def _conditions(wanted: OrderFilter) -> list[Any]:
    given = {
        orders.c.user_id: wanted.user_id,
        orders.c.status: wanted.status,
        orders.c.email: wanted.email,
    }
    conditions: list[Any] = [column == value for column, value in given.items() if value is not None]
    if wanted.number is not None:
        claimed = select(order_claims.c.order_id).where(order_claims.c.number == wanted.number)
        conditions.append(orders.c.id == claimed.scalar_subquery())
    if wanted.placed_from is not None:
        conditions.append(orders.c.placed_at >= wanted.placed_from)
    if wanted.placed_before is not None:
        conditions.append(orders.c.placed_at < wanted.placed_before)
    return [*conditions, *_ids(wanted.placed_from, wanted.placed_before)]


def _ids(since: datetime | None, before: datetime | None) -> list[ColumnElement[bool]]:
    """What a time of placing says of the id: by this the database knows which partitions to leave alone."""
    bounds = [] if since is None else [orders.c.id >= first_id(since - MARGIN)]
    return bounds if before is None else [*bounds, orders.c.id < first_id(before + MARGIN)]


def _lines(rows: Sequence[dict[str, Any]]) -> list[OrderLineView]:
    return [_fill(OrderLineView, _part(row, "line_"), _LINE_MONEY) for row in rows]


def _refunds(past: list[dict[str, Any]]) -> list[RefundView]:
    found = {row["refund_id"]: _part(row, "refund_") for row in past if row["refund_id"] is not None}
    return [_fill(RefundView, row, (), amount=Money(row["amount"], row["currency"])) for row in found.values()]


def _history(order: dict[str, Any], past: list[dict[str, Any]], *, with_actors: bool) -> list[HistoryView]:
    hidden = {} if with_actors else {"actor_id": None}
    lines = [_fill(HistoryView, row, (), **hidden) for row in {row["id"]: row for row in past}.values()]
    if order["placed_as"] is None:  # an order of before these columns has it as a line
        return lines
    by = order["placed_by"] if with_actors else None
    return [HistoryView(order["placed_at"], order["placed_as"], by, "placed", None), *lines]


def _part(row: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The columns of a row that carry this prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}


async def _summary_lines(connection: AsyncConnection, order_ids: list[UUID]) -> dict[UUID, list[SummaryLine]]:
    lines: dict[UUID, list[SummaryLine]] = defaultdict(list)
    if order_ids:
        columns = (order_lines.c.order_id, order_lines.c.title, order_lines.c.quantity, order_lines.c.image_url)
        query = select(*columns).where(order_lines.c.order_id.in_(order_ids)).order_by(order_lines.c.position)
        for order_id, *rest in await connection.execute(query):
            lines[order_id].append(SummaryLine(*rest))
    return lines


def _fill(shape: type[V], row: Any, money: Sequence[str], **given: object) -> V:
    """Build a view struct from a row: its fields by name, `money` from two columns, and what is `given`."""
    values = {name: Money(row[f"{name}_amount"], row["currency"]) for name in money} | given
    return shape(**{name: row[name] for name in shape.__struct_fields__ if name not in values}, **values)
