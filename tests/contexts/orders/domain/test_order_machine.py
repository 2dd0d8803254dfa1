"""Every walk through an order's life keeps its money and its version right."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from caddy_shopping.contexts.orders.domain.order import TRANSITIONS, Order, OrderStatus
from caddy_shopping.contexts.orders.domain.parts import Refund, RefundStatus
from caddy_shopping.contracts.orders import OrderRefundRequested, OrderReturned
from caddy_shopping.kernel.errors import ShopError
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from tests.contexts.orders.domain.orders import BUYER, NOW, STAFF, an_order

amounts = st.one_of(st.integers(1, 200), st.integers(1, 20_000))


class OrderLife(RuleBasedStateMachine):
    """Does anything to one order at any time; what is refused must leave no trace."""

    order: Order

    @initialize(
        lines=st.lists(st.tuples(st.integers(0, 3333), st.integers(1, 4)), min_size=1, max_size=3),
        start=st.sampled_from(["placed", "paid", "shipped"]),
    )
    def place(self, lines: list[tuple[int, int]], start: str) -> None:
        self.order = an_order(*lines)
        self.asked = self.captured = 0
        if start != "placed":
            self.captured = self.order.total.amount
            self.order.pay(new_id(), self.order.total, NOW)
        if start == "shipped":
            self.order.ship("SF", "1", STAFF, NOW)
        self.seen = self.order.version
        self.status = self.order.status
        self.shelf = {line.id: 0 for line in self.order.lines}
        self.order.take_events()

    def attempt(self, act: object, *args: object) -> None:
        before = (self.order.version, self.order.status, len(self.order.history), len(self.order.refunds))
        try:
            assert callable(act)
            act(*args)
        except ShopError:
            after = (self.order.version, self.order.status, len(self.order.history), len(self.order.refunds))
            assert after == before
            assert self.order.take_events() == []
            return
        events = self.order.take_events()
        changed = (len(self.order.history), len(self.order.refunds)) != before[2:] or bool(events)
        assert (self.order.version > before[0]) is changed, "the version moves with every change"
        self.asked += sum(event.amount.amount for event in events if isinstance(event, OrderRefundRequested))
        returned = [event for event in events if isinstance(event, OrderReturned)]
        for line in self.order.lines:
            back = [fact.quantity for event in returned for fact in event.lines if fact.variant_id == line.variant_id]
            self.shelf[line.id] += sum(back)

    @rule(exact=st.booleans(), amount=amounts)
    def pay(self, exact: bool, amount: int) -> None:
        money = self.order.total if exact else Money(amount, "CNY")
        self.attempt(self.order.pay, new_id(), money, NOW)
        self.captured += money.amount

    @rule()
    def decline(self) -> None:
        self.attempt(self.order.decline, "no", NOW)

    @rule()
    def cancel(self) -> None:
        self.attempt(self.order.cancel, BUYER, "no", NOW)

    @rule()
    def ship(self) -> None:
        self.attempt(self.order.ship, "SF", "1", STAFF, NOW)

    @rule()
    def complete(self) -> None:
        self.attempt(self.order.complete, STAFF, NOW)

    @rule(amount=amounts)
    def refund(self, amount: int) -> None:
        self.attempt(self.order.refund_amount, Money(amount, "CNY"), "r", STAFF, NOW)

    @rule(data=st.data(), quantity=st.integers(1, 4))
    def refund_line(self, data: st.DataObject, quantity: int) -> None:
        line = data.draw(st.sampled_from(self.order.lines))
        self.attempt(self.order.refund_lines, {line.id: quantity}, False, "r", STAFF, NOW)

    @rule(data=st.data(), quantity=st.integers(1, 4), restock=st.booleans())
    def take_back(self, data: st.DataObject, quantity: int, restock: bool) -> None:
        line = data.draw(st.sampled_from(self.order.lines))
        self.attempt(self.order.take_back, {line.id: quantity}, restock, STAFF, NOW)

    @precondition(lambda self: bool(self.order.refunds))
    @rule(data=st.data())
    def retry_refund(self, data: st.DataObject) -> None:
        refund: Refund = data.draw(st.sampled_from(self.order.refunds))
        self.attempt(self.order.retry_refund, refund.id, STAFF, NOW)

    @precondition(lambda self: any(refund.status is not RefundStatus.DONE for refund in self.order.refunds))
    @rule(data=st.data(), works=st.booleans())
    def settle_refund(self, data: st.DataObject, works: bool) -> None:
        """A refund that failed may still come through, as payments says."""
        unsure = [refund for refund in self.order.refunds if refund.status is not RefundStatus.DONE]
        refund: Refund = data.draw(st.sampled_from(unsure))
        if works:
            self.attempt(self.order.confirm_refund, refund.id, refund.amount, NOW + timedelta(1))
        else:
            self.attempt(self.order.fail_refund, refund.id, refund.amount, "no", NOW)

    @invariant()
    def money_is_kept(self) -> None:
        order = self.order
        assert order.paid.amount in (0, order.total.amount)
        surplus = {refund.payment_id: refund.amount.amount for refund in order.refunds if refund.surplus}
        assert order.paid.amount + sum(surplus.values()) == self.captured, (
            "what is not kept goes back, to the last unit"
        )
        back = [r for r in order.refunds if r.surplus and r.status is not RefundStatus.FAILED]
        assert len(back) == len({refund.payment_id for refund in back}), "one payment goes back once"
        assert sum(line.total.amount for line in order.lines) + order.shipping.amount == order.total.amount
        assert 0 <= order.refunded.amount <= order.paid.amount
        assert 0 <= order.refundable.amount <= order.paid.amount
        own = [refund for refund in order.refunds if not refund.surplus]
        assert order.refunded.amount == sum(r.amount.amount for r in own if r.status is RefundStatus.DONE)
        assert sum(refund.amount.amount for refund in order.refunds) == self.asked, "nothing is asked back unheard"

    @invariant()
    def lines_give_back_no_more_than_they_cost(self) -> None:
        for line in self.order.lines:
            parts = [p for r in self.order.refunds if r.counts for p in r.parts if p.line_id == line.id]
            assert sum(part.quantity for part in parts) <= line.quantity
            assert sum(part.amount for part in parts) <= line.total.amount
            assert 0 <= line.restocked == self.shelf[line.id] <= line.returned <= line.quantity

    @invariant()
    def states_follow_the_table(self) -> None:
        order = self.order
        assert order.status is self.status or order.status in TRANSITIONS[self.status]
        assert order.version >= self.seen
        self.status, self.seen = order.status, order.version
        if order.status in (OrderStatus.SHIPPED, OrderStatus.COMPLETED):
            assert order.paid == order.total
        if order.status is OrderStatus.REFUNDED:
            assert order.refunded == order.paid == order.total


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
