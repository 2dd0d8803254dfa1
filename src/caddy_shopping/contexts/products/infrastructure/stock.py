"""Stock by Core statements: each change carries its own condition, so none goes below zero whatever was read before."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from caddy_shopping.contexts.products.application.freshness import LISTS, stock_of
from caddy_shopping.contexts.products.domain.errors import StockBelowZero
from caddy_shopping.contexts.products.domain.specs import MAX_STOCK
from caddy_shopping.contexts.products.domain.stock import (
    WAITING,
    AlreadyReserved,
    Held,
    Movement,
    Reason,
    ShelfItem,
    State,
    TakenLine,
)
from caddy_shopping.contexts.products.infrastructure.labels import stock_flags
from caddy_shopping.contexts.products.infrastructure.tables import (
    categories,
    movements,
    products,
    reserved,
    variants,
)
from caddy_shopping.contexts.products.infrastructure.variant_rows import variant_view
from caddy_shopping.contracts.products import ReservationLine, VariantNotFound
from caddy_shopping.kernel.errors import ConcurrentChange
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.db.unit_of_work import SqlTransaction

_v, _r = variants.c, reserved.c
_n: BindParameter[int] = bindparam("n", type_=BigInteger())
_this = _v.id == bindparam("variant")
_GIVE_BACK = Prepared(update(variants).where(_this).values(stock=_v.stock + _n, reserved=_v.reserved - _n))
_SELL = Prepared(update(variants).where(_this).values(reserved=_v.reserved - _n, sold=_v.sold + _n))
_UNSELL = Prepared(update(variants).where(_this).values(stock=_v.stock + _n, sold=_v.sold - _n))
_MOVE = Prepared(
    update(reserved)
    .where(_r.order_id == bindparam("order"))
    .where(_r.state.in_(bindparam("before", expanding=True, type_=_r.state.type)))
    .values(state=bindparam("after", type_=_r.state.type))
)
_KEEP = Prepared(
    update(reserved)
    .where(_r.order_id.in_(bindparam("orders", expanding=True)), _r.state == State.HELD)
    .values(state=State.CLAIMED)
)
_RESERVATION = Prepared(
    select(_r.state, _r.expires_at, _r.variant_id, _r.quantity)
    .where(_r.order_id == bindparam("order"))
    .order_by(_r.position)
)


def _of_product(column: ColumnElement[Any]) -> ColumnElement[Any]:
    # Not a join: MariaDB would lock the product and its category with the variant.
    return select(column).where(products.c.id == _v.product_id).scalar_subquery()


_SHELF = Prepared(
    select(
        variants,
        literal(True).label("is_active"),
        *(_of_product(products.c[name]).label(name) for name in ("slug", "title")),
        _of_product(products.c.image_url).label("product_image_url"),
        select(categories.c.path)
        .join(products, products.c.category_id == categories.c.id)
        .where(products.c.id == _v.product_id)
        .scalar_subquery()
        .label("path"),
    )
    .where(_v.id.in_(bindparam("variants", expanding=True)), ~_v.archived)
    .where(exists().where(products.c.id == _v.product_id, products.c.is_active))
    # In this one order, so that two orders never wait for each other in a circle.
    .order_by(_v.id)
    .with_for_update(key_share=True)
)
_TAKEN = Prepared(
    select(_r.variant_id, func.sum(_r.taken).label("n"))
    .where(_r.order_id.in_(bindparam("orders", expanding=True)), _r.taken > 0)
    .group_by(_r.variant_id)
    .order_by(_r.variant_id)
)
_HOLD, _LEDGER = Prepared(insert(reserved)), Prepared(insert(movements))
_theirs = select(_v.product_id).where(_v.id.in_(bindparam("variants", expanding=True)))
_PRODUCTS = Prepared(
    select(products.c.id).where(products.c.id.in_(_theirs)).order_by(products.c.id).with_for_update(key_share=True)
)
_FLAGS = Prepared(stock_flags(_theirs))


@lru_cache(maxsize=128)
def _taking(kinds: int) -> Prepared:
    """One UPDATE for so many variants `v0`, `v1` …, each with its own `n0`, `n1` …."""
    ids = [bindparam(f"v{i}", type_=_v.id.type) for i in range(kinds)]
    units: list[BindParameter[int]] = [bindparam(f"n{i}", type_=BigInteger()) for i in range(kinds)]
    n = case(*((_v.id == id_, unit) for id_, unit in zip(ids, units, strict=True)))
    return Prepared(
        update(variants).where(_v.id.in_(ids), _v.stock >= n).values(stock=_v.stock - n, reserved=_v.reserved + n)
    )


class SqlStock:
    """See `domain.stock.Stock`."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def reservation(self, order_id: UUID) -> Held | None:
        rows = await self._tx.run(_RESERVATION, {"order": order_id})
        if not rows:
            return None
        lines = [ReservationLine(row.variant_id, row.quantity) for row in rows]
        return Held(order_id, rows[0].state, rows[0].expires_at, lines)

    async def shelf(self, variant_ids: Iterable[UUID]) -> dict[UUID, ShelfItem]:
        rows = await self._tx.run(_SHELF, {"variants": list(variant_ids)})
        return {
            row.id: ShelfItem(row.id, row.sku, row.stock, row.tracked, row.oversell, variant_view(row)) for row in rows
        }

    async def take(self, units: Mapping[UUID, int]) -> None:
        if not units:
            return
        values: dict[str, object] = {}
        for i, (variant_id, n) in enumerate(units.items()):
            values |= {f"v{i}": variant_id, f"n{i}": n}
        done = await self._tx.run(_taking(len(units)), values)
        if done.rowcount != len(units):
            raise ConcurrentChange()
        self._tx.stale.update(map(stock_of, units))

    async def hold(self, order_id: UUID, lines: Sequence[TakenLine], expires_at: datetime, now: datetime) -> None:
        same = {"order_id": order_id, "state": State.HELD, "expires_at": expires_at, "created_at": now}
        rows = [
            same | {"position": i, "variant_id": line.variant_id, "quantity": line.quantity, "taken": line.taken}
            for i, line in enumerate(lines)
        ]
        try:
            await self._tx.run(_HOLD, rows)
        except IntegrityError:
            raise AlreadyReserved from None
        await self._flags([line.variant_id for line in lines if line.last])

    async def claim(self, order_ids: Sequence[UUID]) -> None:
        await self._tx.run(_KEEP, {"orders": list(order_ids)})

    async def release(self, order_ids: Sequence[UUID]) -> int:
        freed = [order_id for order_id in sorted(order_ids) if await self._move(order_id, WAITING, State.RELEASED)]
        await self._shift(_GIVE_BACK, await self._taken(freed))
        return len(freed)

    async def sell(self, order_id: UUID) -> bool:
        if not await self._move(order_id, WAITING, State.SOLD):
            return False
        await self._shift(_SELL, await self._taken([order_id]), flags=False)
        return True

    async def unsell(self, order_id: UUID, left: Mapping[UUID, int], now: datetime) -> bool:
        if not await self._move(order_id, [State.SOLD], State.RELEASED):
            return False
        await self._put_back(order_id, left, Reason.CANCELLED, f"order:{order_id}", now)
        return True

    async def restock(self, order_id: UUID, return_id: UUID, units: Mapping[UUID, int], now: datetime) -> bool:
        reference = f"return:{return_id}"
        known = await self._tx.execute(select(movements.c.id).where(movements.c.reference == reference).limit(1))
        if known.first() is not None:
            return False
        await self._put_back(order_id, units, Reason.RETURNED, reference, now)
        return True

    async def _put_back(
        self, order_id: UUID, units: Mapping[UUID, int], reason: Reason, reference: str, now: datetime
    ) -> None:
        # What was sold without being counted (oversold, or not tracked then) was never there to come back.
        taken = await self._taken([order_id])
        back = {variant: min(n, units[variant]) for variant, n in taken.items() if variant in units}
        await self._shift(_UNSELL, back)
        await self._write(back, reason, reference, now)

    async def change(self, movement: Movement) -> tuple[UUID, int]:
        after = _v.stock + movement.delta
        done = await self._tx.execute(
            update(variants).where(_v.id == movement.variant_id, after >= 0, after <= MAX_STOCK).values(stock=after)
        )
        found = (await self._tx.execute(select(_v.product_id, _v.stock).where(_v.id == movement.variant_id))).first()
        if found is None:
            raise VariantNotFound()
        if done.rowcount != 1:
            raise StockBelowZero(stock=found.stock, delta=movement.delta)
        await self._ledger(movement)
        await self._flags([movement.variant_id])
        # Staff look at what they did: it shows everywhere at once.
        self._tx.stale.update((LISTS, stock_of(movement.variant_id)))
        return found.product_id, found.stock

    async def purge(self, due_before: datetime, limit: int) -> int:
        due = (_r.state == State.RELEASED, _r.expires_at < due_before, _r.position == 0)
        ids = [row.order_id for row in await self._tx.execute(select(_r.order_id).where(*due).limit(limit))]
        if ids:
            await self._tx.execute(delete(reserved).where(_r.order_id.in_(ids)))
        return len(ids)

    async def _move(self, order_id: UUID, before: Iterable[State], after: State) -> bool:
        done = await self._tx.run(_MOVE, {"order": order_id, "before": list(before), "after": after})
        return done.rowcount > 0

    async def _taken(self, order_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Units that these reservations took off the shelf, summed, in the order of the variants' ids."""
        if not order_ids:
            return {}
        rows = await self._tx.run(_TAKEN, {"orders": list(order_ids)})
        return {row.variant_id: int(row.n) for row in rows}

    async def _shift(self, statement: Prepared, units: dict[UUID, int], *, flags: bool = True) -> None:
        if not units:
            return
        await self._tx.run(statement, [{"variant": variant, "n": n} for variant, n in units.items()])
        if flags:
            self._tx.stale.update(map(stock_of, units))
            await self._flags(list(units))

    async def _flags(self, variant_ids: Sequence[UUID]) -> None:
        if variant_ids:
            # Two that take the last pieces of two variants must not each see the other's still there.
            await self._tx.lock(_PRODUCTS, {"variants": variant_ids})
            turned = await self._tx.run(_FLAGS, {"variants": variant_ids})
            if turned.rowcount:
                self._tx.stale.add(LISTS)

    async def _write(self, units: dict[UUID, int], reason: Reason, reference: str | None, now: datetime) -> None:
        for variant_id, delta in units.items():
            await self._ledger(Movement(variant_id=variant_id, delta=delta, reason=reason, reference=reference, at=now))

    async def _ledger(self, movement: Movement) -> None:
        row = {
            "id": new_id(),
            "variant_id": movement.variant_id,
            "delta": movement.delta,
            "reason": movement.reason,
            "note": movement.note,
            "reference": movement.reference,
            "actor_id": movement.actor_id,
            "at": movement.at,
        }
        await self._tx.run(_LEDGER, row)
