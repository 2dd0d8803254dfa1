import pytest
from hypothesis import given
from hypothesis import strategies as st

from caddy_shopping.contexts.payments.domain.errors import RefundExceedsCaptured
from caddy_shopping.contexts.payments.domain.payment import Payment
from caddy_shopping.contexts.payments.domain.refund import Refund, RefundSighting, RefundStatus
from caddy_shopping.contracts.payments import PaymentRefunded, PaymentRefundFailed
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from tests.contexts.payments.domain.test_payment import NOW, SUCCEEDED, observed

PART = Money(4000, "CNY")
PENDING = RefundSighting(status=RefundStatus.PENDING, reference="r")
FAILED = RefundSighting(status=RefundStatus.FAILED, reference="r", reason="refund_refused")
DONE = RefundSighting(status=RefundStatus.SUCCEEDED, reference="r")


def a_refund(amount: Money = PART) -> tuple[Refund, Payment]:
    payment = observed(SUCCEEDED)
    return Refund.request(new_id(), payment, amount, "broken", NOW), payment


def test_a_refund_sets_its_money_aside_until_it_fails() -> None:
    refund, payment = a_refund()
    assert payment.refunded == PART
    assert refund.observe(FAILED, payment, NOW)
    assert payment.refunded == Money(0, "CNY")
    assert refund.failure == "refund_refused"
    [event] = refund.take_events()
    assert isinstance(event, PaymentRefundFailed)
    assert (event.refund_id, event.amount, event.reason) == (refund.id, PART, "refund_refused")


def test_a_refund_that_succeeds_says_so_once() -> None:
    refund, payment = a_refund()
    assert refund.observe(DONE, payment, NOW)
    assert not refund.observe(DONE, payment, NOW)
    assert not refund.observe(FAILED, payment, NOW)
    assert [type(event) for event in refund.take_events()] == [PaymentRefunded]
    assert payment.refunded == PART


@given(st.lists(st.sampled_from([PENDING, FAILED, DONE]), max_size=5))
def test_any_order_and_number_of_sightings_ends_alike(seen: list[RefundSighting]) -> None:
    ends = []
    for told in (seen, [*reversed(seen), *seen]):
        refund, payment = a_refund()
        for one in told:
            refund.observe(one, payment, NOW)
        ends.append((refund.status, refund.failure, payment.refunded))
    assert ends[0] == ends[1]


def test_more_than_was_captured_is_refused_and_sets_nothing_aside() -> None:
    refund, payment = a_refund()
    with pytest.raises(RefundExceedsCaptured):
        Refund.request(new_id(), payment, Money(6000, "CNY"), "broken", NOW)
    assert payment.refunded == PART
    refused = Refund.refuse(new_id(), payment, Money(6000, "CNY"), "broken", "exceeds_captured", NOW)
    assert refused.status is RefundStatus.FAILED
    assert [type(event) for event in refused.take_events()] == [PaymentRefundFailed]
    assert payment.refunded == PART
    assert refund.take_events() == []


def test_a_failed_refund_cannot_come_back_over_money_that_another_took() -> None:
    refund, payment = a_refund(Money(9999, "CNY"))
    refund.observe(FAILED, payment, NOW)
    Refund.request(new_id(), payment, PART, "again", NOW)
    with pytest.raises(RefundExceedsCaptured):
        refund.observe(DONE, payment, NOW)
    assert refund.status is RefundStatus.FAILED
