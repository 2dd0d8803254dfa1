"""The order: what was bought, what became of it, and where its money is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from caddy_shopping.contexts.orders.domain.errors import (
    NotReturnable,
    OrderLineNotFound,
    OrderStateWrong,
    RefundMismatch,
    RefundNotFailed,
    RefundNotFound,
    RefundTooLarge,
    RefundUnclear,
    RefundUnderWay,
)
from caddy_shopping.contexts.orders.domain.parts import (
    Address,
    HistoryEntry,
    OrderLine,
    Refund,
    RefundPart,
    RefundStatus,
    fits,
    listed,
    part_of,
)
from caddy_shopping.contexts.orders.domain.pricing import Quote
from caddy_shopping.contracts.orders import (
    OrderCancelled,
    OrderCompleted,
    OrderLineFact,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRefundRequested,
    OrderReturned,
    OrderShipped,
)
from caddy_shopping.kernel.actor import SYSTEM, Actor
from caddy_shopping.kernel.events import Aggregate
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money


class OrderStatus(StrEnum):
    PENDING_PAYMENT = "PENDING_PAYMENT"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PENDING_PAYMENT: frozenset({OrderStatus.PAID, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED, OrderStatus.REFUNDED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.COMPLETED, OrderStatus.REFUNDED}),
    OrderStatus.COMPLETED: frozenset({OrderStatus.REFUNDED}),
    # A paid order that was cancelled is REFUNDED once its money is back.
    OrderStatus.CANCELLED: frozenset({OrderStatus.REFUNDED}),
    OrderStatus.REFUNDED: frozenset(),
}
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who an order is for, and how to reach them."""

    user_id: UUID
    email: str
    language: str


@dataclass(eq=False)
class Order(Aggregate):
    """Aggregate root.

    `total` is the sum of the lines' totals and `shipping` (tax included in each); `tax` says how much
    of it is tax. `paid` is zero or `total`. `refunded` is what payments confirmed, never more than
    `paid`. `history` holds what was added since the order was loaded; its first line, the placing, is
    `placed_at`, `placed_by` and `placed_as` (the actor's id and role).
    """

    id: UUID
    number: str
    user_id: UUID
    email: str
    language: str
    status: OrderStatus
    subtotal: Money
    shipping: Money
    tax: Money
    total: Money
    paid: Money
    refunded: Money
    tax_included: bool
    shipping_method: str | None
    address: Address | None
    note: str | None
    placed_at: datetime
    expires_at: datetime
    lines: list[OrderLine]
    refunds: list[Refund] = field(default_factory=list)
    history: list[HistoryEntry] = field(default_factory=list)
    payment_id: UUID | None = None
    paid_at: datetime | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    cancel_reason: str | None = None
    placed_by: UUID | None = None
    placed_as: str | None = None
    version: int = 0

    @classmethod
    def place(
        cls,
        order_id: UUID,
        number: str,
        buyer: Buyer,
        quote: Quote,
        address: Address | None,
        note: str | None,
        actor: Actor,
        now: datetime,
        expires_at: datetime,
    ) -> "Order":
        """A new order that awaits payment until `expires_at`; one that costs nothing is paid at once."""
        nothing = Money.zero(quote.total.currency)
        method = quote.shipping.method
        order = cls(
            id=order_id,
            number=number,
            user_id=buyer.user_id,
            email=buyer.email,
            language=buyer.language,
            status=OrderStatus.PENDING_PAYMENT,
            subtotal=quote.subtotal,
            shipping=quote.shipping.total,
            tax=quote.tax,
            total=quote.total,
            paid=nothing,
            refunded=nothing,
            tax_included=quote.tax_included,
            shipping_method=method.code if method else None,
            address=address,
            note=note,
            placed_at=now,
            expires_at=expires_at,
            lines=[OrderLine.of(position, line) for position, line in enumerate(quote.lines)],
            placed_by=actor.id,
            placed_as=str(actor.role),
        )
        order.record(OrderPlaced(**order._head(), lines=order._facts(), total=order.total, expires_at=expires_at))
        if not order.total:
            order._mark_paid(None, SYSTEM, now)
        return order

    @property
    def refundable(self) -> Money:
        """What may still be asked back: paid, less every refund that is pending or done."""
        return self.paid - Money.sum((r.amount for r in self.refunds if r.counts), self.paid.currency)

    def pay(self, payment_id: UUID, amount: Money, now: datetime) -> None:
        """Take note of captured money. What the order has no use for goes straight back."""
        if payment_id == self.payment_id or any(r.surplus and r.payment_id == payment_id for r in self.refunds):
            return
        if self.payment_id is not None or self.paid:
            self._give_back(payment_id, amount, "paid twice", now)
        elif self.status is not OrderStatus.PENDING_PAYMENT:
            self._give_back(payment_id, amount, "late payment", now)
        elif amount != self.total:
            self._give_back(payment_id, amount, "wrong amount", now)
        else:
            self._mark_paid(payment_id, SYSTEM, now)

    def decline(self, reason: str, now: datetime) -> None:
        """A payment failed; the buyer may try another one."""
        self._note(SYSTEM, "payment_declined", reason, now)
        self.touch()

    def is_due(self, now: datetime) -> bool:
        """Whether it waited for its payment long enough."""
        return self.status is OrderStatus.PENDING_PAYMENT and self.expires_at <= now

    def cancel(self, actor: Actor, reason: str, now: datetime) -> None:
        """Call it off before it ships. What was paid is asked back. Raises `OrderStateWrong`."""
        was_paid = self.status is OrderStatus.PAID
        self._move(OrderStatus.CANCELLED)
        self.cancel_reason = reason
        self._note(actor, "cancelled", reason, now)
        left = [line.fact(line.quantity - line.restocked) for line in self.lines if line.restocked < line.quantity]
        self.record(OrderCancelled(**self._head(), reason=reason, was_paid=was_paid, lines=left))
        if self.refundable:
            self._ask_back(self.refundable, [], "order cancelled", actor, now)

    def ship(self, carrier: str, tracking_number: str, actor: Actor, now: datetime) -> None:
        """It left the house. Raises `OrderStateWrong` or `RefundUnderWay`."""
        if self.paid and not self.refundable and self.status is OrderStatus.PAID:
            raise RefundUnderWay()
        self._move(OrderStatus.SHIPPED)
        self.carrier, self.tracking_number = carrier, tracking_number
        self._note(actor, "shipped", f"{carrier} {tracking_number}", now)
        self.record(OrderShipped(**self._head(), carrier=carrier, tracking_number=tracking_number))

    def complete(self, actor: Actor, now: datetime) -> None:
        """It arrived. Raises `OrderStateWrong`."""
        self._move(OrderStatus.COMPLETED)
        self._note(actor, "completed", None, now)
        self.record(OrderCompleted(**self._head()))

    def take_back(self, units: Mapping[UUID, int], restock: bool, actor: Actor, now: datetime) -> None:
        """Goods came back after shipping, `units` by line id; `restock` what is fit for sale.

        Money is another matter: `refund`. Raises `OrderStateWrong`, `OrderLineNotFound`, `NotReturnable`.
        """
        arrived = self.status in (OrderStatus.SHIPPED, OrderStatus.COMPLETED, OrderStatus.REFUNDED)
        if not arrived or self.cancel_reason is not None:
            raise OrderStateWrong(status=self.status, wanted="RETURNED")
        self._shelve(units, restock, actor, now)
        self.touch()

    def refund_amount(self, amount: Money, reason: str, actor: Actor, now: datetime) -> Refund:
        """Ask `amount` back. Raises `RefundTooLarge` or `RefundUnclear`."""
        return self._ask_back(amount, [], reason, actor, now)

    def refund_lines(
        self, units: Mapping[UUID, int], restock: bool, reason: str, actor: Actor, now: datetime
    ) -> Refund:
        """Ask back what `units` (by line id) cost; `restock` puts them on the shelf too.

        Raises `OrderLineNotFound`, `NotReturnable`, `RefundTooLarge` or `RefundUnclear`.
        """
        if restock and self.cancel_reason is not None:
            raise OrderStateWrong(status=self.status, wanted="RETURNED")
        parts = [part_of(self.refunds, self.line(line_id), quantity) for line_id, quantity in units.items()]
        amount = Money(sum(part.amount for part in parts), self.paid.currency)
        refund = self._ask_back(amount, parts, reason, actor, now)
        if restock:
            self._shelve(units, True, actor, now)
        return refund

    def retry_refund(self, refund_id: UUID, actor: Actor, now: datetime) -> Refund:
        """Ask a failed refund back again, as a new one of the same payment.

        Raises `RefundNotFound`, `RefundNotFailed`, `NotReturnable`, `RefundTooLarge`.
        """
        failed = next((refund for refund in self.refunds if refund.id == refund_id), None)
        if failed is None:
            raise RefundNotFound()
        if failed.status is not RefundStatus.FAILED:
            raise RefundNotFailed(status=failed.status)
        parts = [part_of(self.refunds, self.line(part.line_id), part.quantity) for part in failed.parts]
        currency = failed.amount.currency
        amount = Money(sum(part.amount for part in parts), currency) if parts else failed.amount
        self._check(amount, self._left(failed))
        self._note(actor, "refund_requested", f"{amount}: {failed.reason}", now)
        again = Refund(new_id(), failed.payment_id, amount, failed.reason, failed.surplus, parts, now, actor.id)
        return self._request(again)

    def confirm_refund(self, refund_id: UUID, amount: Money, now: datetime) -> None:
        """Payments gave the money back, maybe after it had failed to. Again is harmless. Raises `RefundMismatch`."""
        refund = self._refund(refund_id, amount, RefundStatus.DONE)
        if refund.status is RefundStatus.DONE:
            return
        failed = refund.status is RefundStatus.FAILED
        if failed and not all(fits(self.refunds, self.line(part.line_id), part) for part in refund.parts):
            refund.parts = []  # its units went into another refund meanwhile
        refund.status, refund.settled_at, refund.failure = RefundStatus.DONE, now, None
        self._note(SYSTEM, "refunded", f"{amount}: {refund.reason}", now)
        if not refund.surplus:
            self.refunded = self.refunded + amount
            if self.refunded == self.paid:
                self._move(OrderStatus.REFUNDED)
        head = self._head()
        self.record(OrderRefunded(**head, refund_id=refund_id, amount=amount, refunded=self.refunded, total=self.total))

    def fail_refund(self, refund_id: UUID, amount: Money, reason: str, now: datetime) -> None:
        """Payments could not give it back; the sum may be asked for again. Raises `RefundMismatch`."""
        refund = self._refund(refund_id, amount, RefundStatus.FAILED)
        if refund.status is RefundStatus.FAILED:
            return
        refund.status, refund.settled_at, refund.failure = RefundStatus.FAILED, now, reason
        self._note(SYSTEM, "refund_failed", f"{amount}: {reason}", now)
        self.touch()

    def hand_over(self, user_id: UUID, now: datetime) -> None:
        """The guest who placed it turned out to be this user."""
        self.user_id = user_id
        self._note(SYSTEM, "handed_over", None, now)
        self.touch()

    def line(self, line_id: UUID) -> OrderLine:
        """Raises `OrderLineNotFound`."""
        for line in self.lines:
            if line.id == line_id:
                return line
        raise OrderLineNotFound()

    def _move(self, wanted: OrderStatus) -> None:
        if wanted not in TRANSITIONS[self.status]:
            raise OrderStateWrong(status=self.status, wanted=wanted)
        self.status = wanted

    def _mark_paid(self, payment_id: UUID | None, actor: Actor, now: datetime) -> None:
        self._move(OrderStatus.PAID)
        self.paid, self.payment_id, self.paid_at = self.total, payment_id, now
        self._note(actor, "paid", str(self.total), now)
        self.record(OrderPaid(**self._head(), lines=self._facts(), total=self.total))

    def _give_back(self, payment_id: UUID, amount: Money, reason: str, now: datetime) -> None:
        self._note(SYSTEM, "payment_not_due", f"{amount}: {reason}", now)
        self._request(Refund(new_id(), payment_id, amount, reason, True, [], now, None))

    def _ask_back(self, amount: Money, parts: list[RefundPart], reason: str, actor: Actor, now: datetime) -> Refund:
        self._check(amount, self.refundable)
        self._note(actor, "refund_requested", f"{amount}: {reason}", now)
        return self._request(Refund(new_id(), self.payment_id, amount, reason, False, parts, now, actor.id))

    def _check(self, amount: Money, left: Money) -> None:
        if amount.amount <= 0:
            raise RefundUnclear()
        if left < amount:
            raise RefundTooLarge(amount=amount, left=left)

    def _request(self, refund: Refund) -> Refund:
        self.refunds.append(refund)
        self.record(
            OrderRefundRequested(
                **self._head(),
                refund_id=refund.id,
                amount=refund.amount,
                reason=refund.reason,
                payment_id=refund.payment_id,
            )
        )
        return refund

    def _left(self, refund: Refund) -> Money:
        """What may still be asked back of the money that a failed `refund` is of."""
        if not refund.surplus:
            return self.refundable
        of_payment = [r for r in self.refunds if r.surplus and r.payment_id == refund.payment_id]
        asked = (r.amount for r in of_payment if r.status is not RefundStatus.FAILED)
        return refund.amount - Money.sum(asked, refund.amount.currency)

    def _refund(self, refund_id: UUID, amount: Money, said: RefundStatus) -> Refund:
        refund = next((refund for refund in self.refunds if refund.id == refund_id), None)
        if refund is None or refund.amount != amount or not self._may_become(refund, said):
            known = f"{refund.status} of {refund.amount}" if refund else "unknown"
            raise RefundMismatch(refund_id=refund_id, number=self.number, known=known, said=f"{said} of {amount}")
        return refund

    def _may_become(self, refund: Refund, said: RefundStatus) -> bool:
        """PENDING may become either; FAILED comes through after all unless its money was asked back anew."""
        revived = refund.status is RefundStatus.FAILED and said is RefundStatus.DONE
        return refund.status in (RefundStatus.PENDING, said) or (revived and self._left(refund) >= refund.amount)

    def _shelve(self, units: Mapping[UUID, int], restock: bool, actor: Actor, now: datetime) -> None:
        facts = []
        for line_id, quantity in units.items():
            line = self.line(line_id)
            left = line.quantity - line.returned
            if quantity > left:
                raise NotReturnable(sku=line.sku, left=left, quantity=quantity)
            line.returned += quantity
            line.restocked += quantity if restock else 0
            facts.append(line.fact(quantity))
        self._note(actor, "restocked" if restock else "returned", listed(facts), now)
        if restock:
            self.record(OrderReturned(**self._head(), return_id=new_id(), lines=facts))

    def _note(self, actor: Actor, action: str, detail: str | None, now: datetime) -> None:
        self.history.append(HistoryEntry.by(actor, action, detail, now))

    def _facts(self) -> list[OrderLineFact]:
        return [line.fact() for line in self.lines]

    def _head(self) -> dict[str, Any]:
        buyer = {"user_id": self.user_id, "email": self.email, "language": self.language}
        return {"order_id": self.id, "number": self.number} | buyer


class Orders(Protocol):
    async def get(self, order_id: UUID) -> Order:
        """Raises `OrderNotFound`."""
        ...

    async def of_user(self, user_id: UUID) -> list[Order]:
        """Every order of a person."""
        ...

    def add(self, order: Order) -> None: ...
