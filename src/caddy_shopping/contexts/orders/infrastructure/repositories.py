"""Orders, carts and claims in SQL."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import set_committed_value

from caddy_shopping.contexts.orders.domain.cart import Cart, CartLine
from caddy_shopping.contexts.orders.domain.errors import CartChanged, OrderTimedOut
from caddy_shopping.contexts.orders.domain.order import Order
from caddy_shopping.contexts.orders.domain.parts import HistoryEntry, OrderLine, Refund
from caddy_shopping.contexts.orders.infrastructure.tables import cart_items, order_claims, orders
from caddy_shopping.contracts.orders import OrderNotFound
from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.kernel.money import Money
from caddy_shopping.platform.db.fresh import Fresh
from caddy_shopping.platform.db.lines import Writing
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.db.unit_of_work import SqlTransaction

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


class SqlOrders:
    def __init__(self, tx: "SqlOrdersTransaction") -> None:
        self._tx = tx
        self.placed: list[Order] = []

    async def get(self, order_id: UUID) -> Order:
        order = await self._tx.load(Order, order_id)
        if order is None:
            raise OrderNotFound()
        return self._seen(order)

    async def of_user(self, user_id: UUID) -> list[Order]:
        found = await self._tx.session.scalars(select(Order).where(orders.c.user_id == user_id).order_by(orders.c.id))
        return [self._seen(order) for order in found]

    def add(self, order: Order) -> None:
        self.placed.append(self._tx.track(order))

    def _seen(self, order: Order) -> Order:
        set_committed_value(order, "history", [])
        return self._tx.track(order)


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


@cache
def _fresh() -> tuple[Fresh, ...]:
    """Asked for once the classes are mapped."""
    return tuple(Fresh(mapped) for mapped in (Order, OrderLine, HistoryEntry, Refund))


class SqlOrdersTransaction(SqlTransaction):
    """One transaction of the orders context."""

    def __init__(self, writing: Writing) -> None:
        super().__init__(writing)
        self.orders = SqlOrders(self)
        self.carts = SqlCarts(self)
        self.claims = SqlClaims(self)

    async def flush(self) -> None:
        for order in self.orders.placed:
            await self._insert(order)
        self.orders.placed.clear()
        await super().flush()

    async def _insert(self, order: Order) -> None:
        heads, *parts = _fresh()
        await self.run(heads.statement, heads.rows([order]))
        lists: tuple[Sequence[Any], ...] = (order.lines, order.history, order.refunds)
        for fresh, children in zip(parts, lists, strict=True):
            if children:
                await self.run(fresh.statement, fresh.rows(children, order_id=order.id))


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
