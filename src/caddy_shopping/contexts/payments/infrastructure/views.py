"""The reads of payments, straight into the structs that are answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select, union

from caddy_shopping.contexts.payments.application.queries import (
    PERMISSION,
    OpenPayment,
    OpenRefund,
    PaymentFilter,
    Unknowns,
)
from caddy_shopping.contexts.payments.application.views import (
    PaymentDetail,
    PaymentView,
    RefundView,
    StaffPaymentView,
    WebhookView,
)
from caddy_shopping.contexts.payments.domain.errors import PaymentNotFound
from caddy_shopping.contexts.payments.domain.payment import OPEN
from caddy_shopping.contexts.payments.domain.refund import RefundStatus
from caddy_shopping.contexts.payments.domain.webhook import MAX_ATTEMPTS, PendingWebhook
from caddy_shopping.contexts.payments.infrastructure import tables
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.paging import PageRequest, Slice
from caddy_shopping.platform.db.engine import Database

_payments, _refunds, _webhooks = tables.payments, tables.refunds, tables.webhooks


class SqlPaymentQueries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def payment(self, *, actor: Actor, payment_id: UUID) -> PaymentView:
        mine = select(_payments).where(_payments.c.id == payment_id, _payments.c.user_id == actor.user_id)
        rows = await self._rows(mine)
        if not rows:
            raise PaymentNotFound()
        return PaymentView(**_fields(rows[0]))

    async def of_order(self, *, actor: Actor, order_id: UUID, page: PageRequest) -> Slice[PaymentView]:
        mine = (_payments.c.order_id == order_id, _payments.c.user_id == actor.user_id)
        rows, total = await self._page(mine, page)
        return Slice.cut([PaymentView(**_fields(row)) for row in rows], page, lambda view: view.id, total)

    async def payments(self, *, actor: Actor, wanted: PaymentFilter, page: PageRequest) -> Slice[StaffPaymentView]:
        actor.require(PERMISSION)
        rows, total = await self._page(_matching(wanted), page)
        return Slice.cut([_staff_view(row) for row in rows], page, lambda view: view.id, total)

    async def detail(self, *, actor: Actor, payment_id: UUID) -> PaymentDetail:
        actor.require(PERMISSION)
        async with self._database.read() as connection:
            refunded = await connection.execute(
                select(_payments, *(column.label(f"refund_{column.name}") for column in _refunds.c))
                .outerjoin(_refunds, _refunds.c.payment_id == _payments.c.id)
                .where(_payments.c.id == payment_id)
                .order_by(_refunds.c.created_at, _refunds.c.id)
            )
            rows = refunded.all()
            if not rows:
                raise PaymentNotFound()
            webhooks = await connection.execute(
                select(_webhooks).where(_webhooks.c.payment_id == payment_id).order_by(_webhooks.c.id)
            )
        return PaymentDetail(
            payment=_staff_view(rows[0]),
            refunds=[_refund_view(row) for row in rows if row.refund_id is not None],
            webhooks=[_webhook_view(row) for row in webhooks],
        )

    async def open_payment(self, *, order_id: UUID) -> OpenPayment | None:
        rows = await self._rows(
            select(_payments.c.id, _payments.c.provider).where(
                _payments.c.active_order_id == order_id, _payments.c.status.in_(OPEN)
            )
        )
        return OpenPayment(id=rows[0].id, provider=rows[0].provider) if rows else None

    async def unknowns(self, *, payment_id: UUID) -> Unknowns:
        pending = (_refunds.c.payment_id == _payments.c.id) & (_refunds.c.status == RefundStatus.PENDING)
        rows = await self._rows(
            select(
                _payments.c.provider,
                _payments.c.status,
                _payments.c.currency,
                _refunds.c.id.label("refund_id"),
                _refunds.c.total_amount,
            )
            .outerjoin_from(_payments, _refunds, pending)
            .where(_payments.c.id == payment_id)
        )
        if not rows:
            raise PaymentNotFound()
        refunds = [
            OpenRefund(id=row.refund_id, amount=Money(row.total_amount, row.currency)) for row in rows if row.refund_id
        ]
        return Unknowns(provider=rows[0].provider, is_open=rows[0].status in OPEN, refunds=refunds)

    async def unresolved(self, *, before: datetime, limit: int) -> list[UUID]:
        found = union(
            select(_payments.c.id, _payments.c.checked_at).where(
                _payments.c.status.in_(OPEN), _payments.c.checked_at < before
            ),
            select(_refunds.c.payment_id, _refunds.c.checked_at).where(
                _refunds.c.status == RefundStatus.PENDING, _refunds.c.checked_at < before
            ),
        ).subquery()
        oldest = func.min(found.c.checked_at)
        rows = await self._rows(select(found.c.id).group_by(found.c.id).order_by(oldest).limit(limit))
        return [row.id for row in rows]

    async def waiting_webhooks(self, *, now: datetime, limit: int) -> list[PendingWebhook]:
        rows = await self._rows(
            select(_webhooks.c.id, _webhooks.c.provider, _webhooks.c.attempts, _webhooks.c.notice)
            .where(_webhooks.c.processed_at.is_(None), _webhooks.c.retry_at <= now, _webhooks.c.attempts < MAX_ATTEMPTS)
            .order_by(_webhooks.c.retry_at)
            .limit(limit)
        )
        return [PendingWebhook(**row._mapping) for row in rows]

    async def _rows(self, query: Select[Any]) -> list[Row[Any]]:
        async with self._database.glance() as connection:
            return list(await connection.execute(query))

    async def _page(
        self, where: tuple[ColumnElement[bool], ...], page: PageRequest
    ) -> tuple[list[Row[Any]], int | None]:
        """The rows of one page and one more, latest first, and the count where it was asked for."""
        query = select(_payments).where(*where).order_by(_payments.c.id.desc()).limit(page.limit + 1)
        last = page.after(UUID)
        async with self._database.read() as connection:
            rows = list(await connection.execute(query if last is None else query.where(_payments.c.id < last)))
            if not page.total:
                return rows, None
            return rows, await connection.scalar(select(func.count()).select_from(_payments).where(*where))


def _matching(wanted: PaymentFilter) -> tuple[ColumnElement[bool], ...]:
    table = _payments.c
    conditions = (
        (wanted.status, table.status.__eq__),
        (wanted.order_id, table.order_id.__eq__),
        (wanted.user_id, table.user_id.__eq__),
        (wanted.provider, table.provider.__eq__),
        (wanted.created_from, table.created_at.__ge__),
        (wanted.created_before, table.created_at.__lt__),
    )
    return tuple(compare(value) for value, compare in conditions if value is not None)


def _fields(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "order_id": row.order_id,
        "order_number": row.order_number,
        "status": row.status,
        "method": row.method,
        "amount": Money(row.total_amount, row.currency),
        "captured": Money(row.captured_amount, row.currency),
        "refunded": Money(row.refunded_amount, row.currency),
        "reason": row.reason,
        "created_at": row.created_at,
        "version": row.version,
    }


def _staff_view(row: Row[Any]) -> StaffPaymentView:
    return StaffPaymentView(
        **_fields(row),
        user_id=row.user_id,
        provider=row.provider,
        reference=row.reference,
        checked_at=row.checked_at,
    )


def _refund_view(row: Row[Any]) -> RefundView:
    return RefundView(
        id=row.refund_id,
        status=row.refund_status,
        amount=Money(row.refund_total_amount, row.refund_currency),
        reason=row.refund_reason,
        failure=row.refund_failure,
        created_at=row.refund_created_at,
    )


def _webhook_view(row: Row[Any]) -> WebhookView:
    return WebhookView(
        event_id=row.event_id,
        type=row.type,
        received_at=row.received_at,
        processed_at=row.processed_at,
        attempts=row.attempts,
        error=row.error,
    )
