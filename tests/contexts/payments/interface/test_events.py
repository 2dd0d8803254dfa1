import pytest

from caddy_shopping.contexts.payments.application.refund_payment import RefundPayment
from caddy_shopping.contexts.payments.application.void_payment import VoidPayment
from caddy_shopping.contexts.payments.domain.errors import PaymentNotFound
from caddy_shopping.contexts.payments.interface.events import consumers
from caddy_shopping.contracts.orders import OrderCancelled, OrderRefundRequested
from caddy_shopping.contracts.users import GuestSignedIn
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.events import Event
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import Money
from tests.contexts.payments.world import World, a_customer


async def react(world: World, event: Event) -> object:
    """What the bus does with an event; the command that came of it."""
    [consumer] = [each for each in consumers(world.use_cases) if each.event is type(event)]
    command = consumer.command(event)
    await world.bench.kit.run.consume(consumer.name, new_id(), consumer.handler, command)
    return command


def about(order_id: object) -> dict[str, object]:
    return {"order_id": order_id, "number": "1", "user_id": new_id(), "email": "a@example.com", "language": "en"}


async def test_a_cancelled_order_voids_its_payment(world: World) -> None:
    order = world.an_order()
    payment = await world.pay(order, "sandbox_slow")
    event = OrderCancelled(**about(order.id), reason="expired", was_paid=False, lines=[])  # type: ignore[arg-type]
    assert await react(world, event) == VoidPayment(order_id=order.id)
    assert (await world.see(payment)).status == "VOIDED"


async def test_a_refund_request_becomes_a_refund(world: World) -> None:
    payment = await world.paid()
    refund_id, amount = new_id(), Money(100, "CNY")
    event = OrderRefundRequested(
        **about(payment.order_id),  # type: ignore[arg-type]
        refund_id=refund_id,
        amount=amount,
        reason="late",
    )
    expected = RefundPayment(order_id=payment.order_id, refund_id=refund_id, amount=amount, reason="late")
    assert await react(world, event) == expected
    await world.deliver()
    assert await world.event_names() == ["PaymentSucceeded", "PaymentRefunded"]


async def test_payments_follow_a_guest_who_signs_in(world: World) -> None:
    guest, stranger, user = a_customer(), a_customer(), new_id()
    theirs = await world.pay(world.an_order(guest), "sandbox_silent")
    other = await world.pay(world.an_order(stranger), "sandbox_silent")
    me = Actor(Role.CUSTOMER, user, new_id())
    with pytest.raises(PaymentNotFound):
        await world.use_cases.queries.payment(actor=me, payment_id=theirs.id)
    await react(world, GuestSignedIn(user_id=user, guest_id=guest.user_id))
    seen = await world.use_cases.queries.payment(actor=me, payment_id=theirs.id)
    assert (seen.id, seen.version) == (theirs.id, theirs.version + 1)
    with pytest.raises(PaymentNotFound):
        await world.use_cases.queries.payment(actor=guest, payment_id=theirs.id)
    assert (await world.see(other)).version == other.version
    await world.use_cases.queries.payment(actor=stranger, payment_id=other.id)
