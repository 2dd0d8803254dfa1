"""What one transaction of payments holds."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, exists, insert, select, update

from caddy_shopping.contexts.payments.domain.errors import PaymentNotFound
from caddy_shopping.contexts.payments.domain.payment import Payment, Payments, PaymentStatus
from caddy_shopping.contexts.payments.domain.refund import Refund, Refunds, RefundStatus
from caddy_shopping.contexts.payments.domain.webhook import ReceivedWebhook, Webhooks
from caddy_shopping.contexts.payments.infrastructure import tables
from caddy_shopping.contexts.payments.infrastructure.mapping import PAYMENT, REFUND
from caddy_shopping.platform.db.lines import Writing
from caddy_shopping.platform.db.prepared import Prepared
from caddy_shopping.platform.db.records import Shelf
from caddy_shopping.platform.db.unit_of_work import SqlTransaction

_PAYMENTS = select(tables.payments)
_id = tables.payments.c.id
_ORDER = tables.payments.c.order_id == bindparam("order")
_PAYMENT = Prepared(_PAYMENTS.where(_id == bindparam("payment")).with_for_update(key_share=True))
_ACTIVE = Prepared(_PAYMENTS.where(tables.payments.c.active_order_id == bindparam("order")))
_CAPTURED = Prepared(_PAYMENTS.where(_ORDER, tables.payments.c.status == PaymentStatus.SUCCEEDED).order_by(_id.desc()))
_REFUND = Prepared(
    select(tables.refunds).where(tables.refunds.c.id == bindparam("refund")).with_for_update(key_share=True)
)


class SqlPaymentsTransaction(SqlTransaction):
    def __init__(self, writing: Writing) -> None:
        super().__init__(writing)
        self._payments, self._refunds = Shelf(self, PAYMENT), Shelf(self, REFUND)
        self.payments: Payments = SqlPayments(self, self._payments)
        self.refunds: Refunds = SqlRefunds(self._refunds)
        self.webhooks: Webhooks = SqlWebhooks(self)

    async def flush(self) -> None:
        await self._payments.save()
        await self._refunds.save()
        await super().flush()


class SqlPayments:
    def __init__(self, tx: SqlTransaction, shelf: Shelf[Payment]) -> None:
        self._tx = tx
        self._shelf = shelf

    async def get(self, payment_id: UUID) -> Payment:
        known = self._shelf.get(payment_id)
        found = [known] if known else await self._shelf.find(_PAYMENT, {"payment": payment_id})
        if not found:
            raise PaymentNotFound()
        return found[0]

    async def active(self, order_id: UUID) -> Payment | None:
        found = await self._shelf.find(_ACTIVE, {"order": order_id})
        return found[0] if found else None

    async def captured(self, order_id: UUID) -> list[Payment]:
        return await self._shelf.find(_CAPTURED, {"order": order_id})

    def add(self, payment: Payment) -> None:
        self._shelf.add(payment)

    async def hand_over(self, from_user: UUID, to_user: UUID) -> None:
        table = tables.payments
        # With the version, so that nobody writes the old owner back from a copy read before.
        moved = update(table).where(table.c.user_id == from_user)
        await self._tx.execute(moved.values(user_id=to_user, version=table.c.version + 1))

    async def put_off(self, payment_id: UUID, now: datetime) -> None:
        payments, refunds = tables.payments, tables.refunds
        pending = (refunds.c.payment_id == payment_id, refunds.c.status == RefundStatus.PENDING)
        await self._tx.execute(update(payments).where(payments.c.id == payment_id).values(checked_at=now))
        await self._tx.execute(update(refunds).where(*pending).values(checked_at=now))


class SqlRefunds:
    def __init__(self, shelf: Shelf[Refund]) -> None:
        self._shelf = shelf

    async def find(self, refund_id: UUID) -> Refund | None:
        known = self._shelf.get(refund_id)
        found = [known] if known else await self._shelf.find(_REFUND, {"refund": refund_id})
        return found[0] if found else None

    async def get(self, refund_id: UUID) -> Refund:
        refund = await self.find(refund_id)
        if refund is None:
            raise PaymentNotFound()
        return refund

    def add(self, refund: Refund) -> None:
        self._shelf.add(refund)


_KNOWN = Prepared(
    select(
        exists().where(
            tables.webhooks.c.provider == bindparam("provider"), tables.webhooks.c.event_id == bindparam("event")
        )
    )
)
_ADD = Prepared(insert(tables.webhooks))
_TAKE = Prepared(
    update(tables.webhooks)
    .where(tables.webhooks.c.id == bindparam("webhook"), tables.webhooks.c.processed_at.is_(None))
    .values(processed_at=bindparam("now"), error=None)
)


class SqlWebhooks:
    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def knows(self, provider: str, event_id: str) -> bool:
        return bool((await self._tx.run(_KNOWN, {"provider": provider, "event": event_id})).scalar())

    async def add(self, webhook: ReceivedWebhook) -> None:
        await self._tx.run(_ADD, msgspec.structs.asdict(webhook) | {"attempts": 0})

    async def take(self, webhook_id: UUID, now: datetime) -> bool:
        taken = await self._tx.run(_TAKE, {"webhook": webhook_id, "now": now})
        return taken.rowcount == 1

    async def failed(self, webhook_id: UUID, error: str, retry_at: datetime) -> None:
        table = tables.webhooks
        await self._tx.execute(
            update(table)
            .where(table.c.id == webhook_id, table.c.processed_at.is_(None))
            .values(attempts=table.c.attempts + 1, error=error, retry_at=retry_at)
        )

    async def purge(self, processed_before: datetime, limit: int) -> int:
        table = tables.webhooks
        old = select(table.c.id).where(table.c.processed_at < processed_before).limit(limit)
        ids = (await self._tx.execute(old)).scalars().all()
        if ids:
            await self._tx.execute(delete(table).where(table.c.id.in_(ids)))
        return len(ids)
