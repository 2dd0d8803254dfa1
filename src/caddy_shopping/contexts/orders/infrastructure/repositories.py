"""Orders, carts and claims in SQL."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from caddy_shopping.contexts.orders.domain.cart import Cart, CartLine
from caddy_shopping.contexts.orders.domain.errors import CartChanged, OrderTimedOut
from caddy_shopping.contexts.orders.domain.order import Order
from caddy_shopping.contexts.orders.infrastructure.mapping import HISTORY, LINE, ORDER, REFUND
from caddy_shopping.contexts.orders.infrastructure.tables import (
    cart_items,
    order_claims,
    order_lines,
    order_refunds,
    orders,
)
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.lines import Writing
from caddy_shopping.platform.db.prepared import Parameters, Prepared, Rows
from caddy_shopping.platform.db.records import Shelf
from caddy_shopping.platform.db.unit_of_work import SqlTransaction

P = TypeVar("P")
PLACED, REFUSED = "placed", "refused"
_mine = cart_items.c.customer_user_id == bindparam("user")
# Locked, as whatever is loaded to be changed: two requests for one cart come one after the other.
_CART = select(cart_items).where(_mine).with_for_update(key_share=True)
_LIVE = Prepared(_CART.where(cart_items.c.del_flag == 0))
_LIVE_OR_WANTED = Prepared(
    _CART.where(or_(cart_items.c.del_flag == 0, cart_items.c.variant_id.in_(bindparam("variants", expanding=True))))
)
_PUT_NEW = Prepared(insert(cart_items))
_written = ("quantity", "select_flag", "del_flag", "price_amount", "currency", "added_at", "version")
_PUT = Prepared(
    update(cart_items)
    .where(cart_items.c.id == bindparam("line"), cart_items.c.version == bindparam("as_read"))
    .values({name: bindparam(f"new_{name}", type_=cart_items.c[name].type) for name in _written})
)
_REMOVE = Prepared(
    update(cart_items)
    .where(
        _mine,
        cart_items.c.del_flag == 0,
        tuple_(cart_items.c.id, cart_items.c.version).in_(bindparam("as_read", expanding=True)),
    )
    .values(del_flag=1, version=cart_items.c.version + 1)
)
_CLAIM = Prepared(insert(order_claims))
_HEADS = select(orders).with_for_update(key_share=True)
_ORDER = Prepared(_HEADS.where(orders.c.id == bindparam("order")))
_OF_USER = Prepared(_HEADS.where(orders.c.user_id == bindparam("user")).order_by(orders.c.id))
_LINES = Prepared(
    select(order_lines)
    .where(order_lines.c.order_id.in_(bindparam("orders", expanding=True)))
    .order_by(order_lines.c.position)
)
_REFUNDS = Prepared(
    select(order_refunds)
    .where(order_refunds.c.order_id.in_(bindparam("orders", expanding=True)))
    .order_by(order_refunds.c.id)
)


class SqlOrders:
    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx
        self._orders, self._history = Shelf(tx, ORDER), Shelf(tx, HISTORY)
        self._lines, self._refunds = Shelf(tx, LINE), Shelf(tx, REFUND)

    async def get(self, order_id: UUID) -> Order:
        order = self._orders.get(order_id)
        if order is not None:
            return order
        found = await self._load(_ORDER, {"order": order_id})
        if not found:
            raise OrderNotFound()
        return found[0]

    async def of_user(self, user_id: UUID) -> list[Order]:
        return await self._load(_OF_USER, {"user": user_id})

    def add(self, order: Order) -> None:
        self._orders.add(order)

    async def save(self) -> None:
        """Write what has become of the orders of this transaction."""
        await self._orders.save()
        for order in self._orders:
            await self._lines.save(order.lines, order_id=order.id)
            await self._refunds.save(order.refunds, order_id=order.id)
            await self._history.save(order.history, order_id=order.id)

    async def _load(self, query: Prepared, parameters: Parameters) -> list[Order]:
        """Orders with their lines and refunds, but not their past, which is only added to."""
        heads = await self._tx.run(query, parameters)
        if not heads:
            return []
        wanted = {"orders": [head.id for head in heads]}
        lines = _grouped(await self._tx.run(_LINES, wanted), self._lines)
        refunds = _grouped(await self._tx.run(_REFUNDS, wanted), self._refunds)
        return [self._orders.take(head, lines=lines[head.id], refunds=refunds[head.id]) for head in heads]


class SqlCarts:
    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, user_id: UUID, variant_ids: Sequence[UUID] = ()) -> Cart:
        if variant_ids:
            rows = await self._tx.run(_LIVE_OR_WANTED, {"user": user_id, "variants": variant_ids})
        else:
            rows = await self._tx.run(_LIVE, {"user": user_id})
        return Cart(user_id, [cart_line(row) for row in rows])

    async def put(self, cart: Cart, line: CartLine) -> None:
        values = {
            "quantity": line.quantity,
            "select_flag": int(line.selected),
            "del_flag": int(line.removed),
            "price_amount": line.price.amount,
            "currency": line.price.currency,
            "added_at": line.added_at,
            "version": line.version + 1,
        }
        if line.version == 0:
            new = {"id": line.id, "customer_user_id": cart.user_id, "variant_id": line.variant_id}
            await self._tx.run(_PUT_NEW, new | values)
        else:
            new_values = {f"new_{name}": value for name, value in values.items()}
            done = await self._tx.run(_PUT, {"line": line.id, "as_read": line.version} | new_values)
            if done.rowcount != 1:
                raise ConcurrentChange()
        line.version += 1

    async def select(self, cart: Cart, lines: Sequence[CartLine], selected: bool) -> None:
        await self._tx.execute(
            update(cart_items)
            .where(
                cart_items.c.customer_user_id == cart.user_id,
                cart_items.c.del_flag == 0,
                cart_items.c.id.in_([line.id for line in lines]),
            )
            .values(select_flag=int(selected), version=cart_items.c.version + 1)
        )

    async def remove(self, user_id: UUID, lines: Sequence[CartLine]) -> None:
        as_read = [(line.id, line.version) for line in lines]
        done = await self._tx.run(_REMOVE, {"user": user_id, "as_read": as_read})
        if done.rowcount != len(lines):
            raise CartChanged()


class SqlClaims:
    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def place(self, order_id: UUID, number: str, now: datetime) -> None:
        try:
            await self._claim([order_id], PLACED, now, number)
        except IntegrityError as taken:
            if "number" in str(taken.orig):  # the key's or column's name, on every database
                raise ConcurrentChange() from None
            raise OrderTimedOut(retry_after=1) from None

    async def settle(self, order_ids: Sequence[UUID], now: datetime) -> tuple[list[UUID], list[UUID]]:
        found = await self._tx.execute(
            select(order_claims.c.order_id, order_claims.c.outcome).where(order_claims.c.order_id.in_(order_ids))
        )
        outcome = {row.order_id: row.outcome for row in found}
        unknown = [order_id for order_id in dict.fromkeys(order_ids) if order_id not in outcome]
        if unknown:
            # A place order that saves at this moment makes this fail, and the executor runs it again.
            await self._claim(unknown, REFUSED, now)
        placed = [order_id for order_id, known in outcome.items() if known == PLACED]
        return placed, [order_id for order_id in dict.fromkeys(order_ids) if order_id not in placed]

    async def purge(self, refused_before: datetime, limit: int) -> int:
        old = (order_claims.c.outcome == REFUSED, order_claims.c.at < refused_before)
        ids = (await self._tx.execute(select(order_claims.c.order_id).where(*old).limit(limit))).scalars().all()
        if ids:
            await self._tx.execute(delete(order_claims).where(order_claims.c.order_id.in_(ids)))
        return len(ids)

    async def _claim(self, order_ids: Sequence[UUID], outcome: str, now: datetime, number: str | None = None) -> None:
        rows = [{"order_id": order_id, "outcome": outcome, "at": now, "number": number} for order_id in order_ids]
        await self._tx.run(_CLAIM, rows)


class SqlOrdersTransaction(SqlTransaction):
    """One transaction of the orders context."""

    def __init__(self, writing: Writing) -> None:
        super().__init__(writing)
        self.orders = SqlOrders(self)
        self.carts = SqlCarts(self)
        self.claims = SqlClaims(self)

    async def flush(self) -> None:
        await self.orders.save()
        await super().flush()


def _grouped(rows: Rows, shelf: Shelf[P]) -> dict[UUID, list[P]]:
    """The parts of each order."""
    found: dict[UUID, list[P]] = defaultdict(list)
    for row in rows:
        found[row.order_id].append(shelf.take(row))
    return found


def cart_line(row: Any) -> CartLine:
    """A row of `cart_items` as the domain sees it."""
    return CartLine(
        id=row.id,
        variant_id=row.variant_id,
        quantity=row.quantity,
        price=Money(row.price_amount, row.currency),
        added_at=row.added_at,
        selected=bool(row.select_flag),
        removed=bool(row.del_flag),
        version=row.version,
    )
