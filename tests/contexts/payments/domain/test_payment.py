from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caddy_shopping.contexts.payments.domain.errors import CapturedAmountMismatch, RefundExceedsCaptured
from caddy_shopping.contexts.payments.domain.payment import Payment, PaymentStatus, Sighting
from caddy_shopping.contracts.payments import PaymentDeclined, PaymentSucceeded
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import CurrencyMismatch, Money

NOW = datetime(2026, 3, 14, tzinfo=UTC)
TOTAL = Money(9999, "CNY")
PENDING = Sighting(status=PaymentStatus.PENDING, reference="r")
DECLINED = Sighting(status=PaymentStatus.DECLINED, reference="r", reason="card_declined")
VOIDED = Sighting(status=PaymentStatus.VOIDED, reference="r")
SUCCEEDED = Sighting(status=PaymentStatus.SUCCEEDED, reference="r", captured=TOTAL)


def a_payment() -> Payment:
    return Payment.create(
        order_id=new_id(),
        order_number="1",
        user_id=new_id(),
        provider="sandbox",
        method="sandbox_ok",
        amount=TOTAL,
        now=NOW,
    )


def observed(*seen: Sighting) -> Payment:
    payment = a_payment()
    for one in seen:
        payment.observe(one, NOW)
    return payment


def state(payment: Payment) -> tuple[object, ...]:
    active = payment.active_order_id is not None
    return payment.status, payment.reason, payment.reference, payment.captured, active


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Sighting], list[Sighting]]:
    """The same sightings told twice: any order, any repetitions."""
    what = draw(st.lists(st.sampled_from([PENDING, DECLINED, VOIDED, SUCCEEDED]), min_size=1, max_size=4, unique=True))
    retold = what + draw(st.lists(st.sampled_from(what), max_size=6))
    return draw(st.permutations(what)), draw(st.permutations(retold))


@given(stories())
def test_the_same_sightings_in_any_order_and_number_end_alike(story: tuple[list[Sighting], list[Sighting]]) -> None:
    once, again = observed(*story[0]), observed(*story[1])
    highest = max((seen.status for seen in story[0]), key=lambda status: status.rank)
    assert once.status is again.status is highest
    if not {DECLINED, VOIDED} & {*story[0]} or SUCCEEDED not in story[0]:
        assert state(once) == state(again)
    assert (once.reason, once.captured, once.reference) == (again.reason, again.captured, again.reference)
    taken = [event for event in again.take_events() if isinstance(event, PaymentSucceeded)]
    assert len(taken) == (1 if SUCCEEDED in story[0] else 0)


def test_if_the_last_word_counted_the_order_would_matter() -> None:
    """Negative control: the property above is not true of just any rule."""

    def last(*seen: Sighting) -> PaymentStatus:
        return seen[-1].status

    assert last(PENDING, SUCCEEDED) is not last(SUCCEEDED, PENDING)


def test_an_old_or_repeated_sighting_changes_nothing() -> None:
    payment = observed(PENDING, SUCCEEDED)
    payment.take_events()
    before, version = state(payment), payment.version
    for seen in (PENDING, DECLINED, VOIDED, SUCCEEDED):
        assert not payment.observe(seen, NOW + timedelta(hours=1))
    assert (state(payment), payment.version) == (before, version)
    assert payment.take_events() == []
    assert payment.checked_at == NOW + timedelta(hours=1)


def test_a_success_says_what_was_captured() -> None:
    payment = observed(Sighting(status=PaymentStatus.SUCCEEDED, captured=Money(5000, "CNY")))
    assert payment.take_events() == [
        PaymentSucceeded(payment_id=payment.id, order_id=payment.order_id, amount=Money(5000, "CNY"))
    ]
    assert payment.captured == Money(5000, "CNY")
    assert payment.active_order_id == payment.order_id


def test_a_decline_says_why_and_frees_the_order() -> None:
    payment = observed(PENDING, DECLINED)
    assert payment.take_events() == [
        PaymentDeclined(payment_id=payment.id, order_id=payment.order_id, reason="card_declined")
    ]
    assert payment.active_order_id is None
    assert observed(Sighting(status=PaymentStatus.DECLINED)).take_events()[0].reason == "declined"  # type: ignore[attr-defined]


@pytest.mark.parametrize("given_up", [DECLINED, VOIDED])
def test_money_that_was_taken_beats_a_payment_given_up(given_up: Sighting) -> None:
    payment = observed(given_up)
    payment.take_events()
    assert payment.observe(SUCCEEDED, NOW)
    assert payment.status is PaymentStatus.SUCCEEDED
    assert payment.reason is None
    assert [type(event) for event in payment.take_events()] == [PaymentSucceeded]
    # The order may have another active payment by now.
    assert payment.active_order_id is None


def test_another_currency_is_refused_and_books_nothing() -> None:
    payment = observed(PENDING)
    with pytest.raises(CapturedAmountMismatch):
        payment.observe(Sighting(status=PaymentStatus.SUCCEEDED, captured=Money(9999, "JPY")), NOW)
    assert payment.status is PaymentStatus.PENDING
    assert payment.captured == Money(0, "CNY")
    assert payment.take_events() == []


def test_refunds_never_exceed_what_was_captured() -> None:
    payment = observed(SUCCEEDED)
    payment.set_aside(Money(9000, "CNY"))
    with pytest.raises(RefundExceedsCaptured):
        payment.set_aside(Money(1000, "CNY"))
    assert payment.refunded == Money(9000, "CNY")
    payment.set_aside(Money(999, "CNY"))
    payment.put_back(Money(9000, "CNY"))
    payment.set_aside(Money(1000, "CNY"))
    assert payment.refunded == Money(1999, "CNY")


def test_nothing_can_be_refunded_before_money_was_taken() -> None:
    with pytest.raises(RefundExceedsCaptured):
        observed(PENDING).set_aside(Money(1, "CNY"))
    with pytest.raises(CurrencyMismatch):
        observed(SUCCEEDED).set_aside(Money(1, "USD"))
