"""Everything that can happen to money, over HTTP against a running shop with the sandbox provider."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from caddy_shopping.platform.security.signatures import WebhookSecrets
from tests.scenarios.conftest import NewCaller
from tests.support.furnished import running_shop
from tests.support.journey import (
    Books,
    Goods,
    actions,
    mails_to,
    order_becomes,
    order_of,
    pay,
    payment_becomes,
    quiet,
    select,
    stock_up,
    tamper,
    text_of,
)
from tests.support.shop import Answer, Caller, Shop, eventually

SECRET = "whsec_" + base64.b64encode(b"a secret that this test shares!!").decode()
NOTHING = {"amount": 0, "currency": "CNY"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop in which waiting is short, except for reconciliation: nothing is asked that was not told."""
    settings = {
        "SHOP_ORDERS_EXPIRE_EVERY_SECONDS": "0.2",
        "SHOP_PAYMENTS_SANDBOX_SLOW_SECONDS": "2",
        "SHOP_PAYMENTS_SANDBOX_POLL_SECONDS": "0.2",
        "SHOP_PAYMENTS_RECONCILE_AFTER_SECONDS": "3600",
        "SHOP_PAYMENTS_WEBHOOK_PREVIOUS_SECRETS": json.dumps([SECRET]),
    }
    with running_shop(tmp_path_factory.mktemp("payments"), settings) as running:
        yield running


@pytest.fixture
async def buyer(new: NewCaller) -> Any:
    return await new().sign_in_as_guest()


@pytest.fixture
async def goods(admin: Caller) -> Goods:
    return await stock_up(admin)


async def look(buyer: Caller, order: Any) -> Any:
    return (await buyer.get(f"/orders/{order['id']}")).data


async def detail(admin: Caller, payment: Any) -> Any:
    return (await admin.get(f"/admin/payments/{payment['id']}")).data


def deliveries(shop: Shop, payment: Any) -> list[str]:
    """Every webhook that reached us, in the order of their making; copies too."""
    query = "SELECT type FROM sandbox_webhooks WHERE intent_id = ? AND delivered_at IS NOT NULL ORDER BY id"
    return [kind for (kind,) in select(shop, query, UUID(payment["id"]))]


def subjects(shop: Shop, order: Any) -> list[str]:
    return sorted(mail["Subject"].replace(order["number"], "#") for mail in mails_to(shop, order["email"]))


async def cancel(buyer: Caller, order: Any) -> Any:
    answer = await buyer.post(f"/orders/{order['id']}/cancel", {"reason": "Changed my mind"})
    assert answer.status == 200, answer
    return answer.data


PLACED, PAID = "We received your order #", "Payment received for order #"
CANCELLED, REFUNDED = "Order # was cancelled", "Your refund for order #"


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("sandbox_ok", ["payment.succeeded"]),
        ("sandbox_duplicate", ["payment.processing"] * 2 + ["payment.succeeded"] * 2),
        ("sandbox_out_of_order", ["payment.succeeded", "payment.processing"]),
        ("sandbox_slow", ["payment.processing", "payment.succeeded"]),
        ("sandbox_authorized", ["payment.authorized", "payment.succeeded"]),
    ],
)
async def test_however_it_is_told_an_order_is_paid_once(
    shop: Shop, admin: Caller, buyer: Caller, goods: Goods, method: str, told: list[str]
) -> None:
    """`sandbox_ok` is the control: told once. What was told twice, late or backwards ends the same."""
    order = await order_of(buyer, goods, 2)
    payment = await pay(buyer, order, method)
    assert payment["status"] == "PENDING"
    await order_becomes(buyer, order, "PAID", paid=order["total"])
    await quiet(shop)
    assert deliveries(shop, payment) == told
    known = await detail(admin, payment)
    assert sorted(hook["type"] for hook in known["webhooks"]) == sorted(set(told))  # each event once, copies known
    assert all(hook["processedAt"] and not hook["error"] for hook in known["webhooks"])
    assert (known["payment"]["status"], known["payment"]["captured"]) == ("SUCCEEDED", order["total"])
    assert actions(await look(buyer, order)) == ["placed", "paid"]
    assert subjects(shop, order) == sorted([PLACED, PAID])
    assert await goods.books() == Books(18, 0, 2)


async def test_a_declined_payment_changes_nothing_and_another_may_follow(
    shop: Shop, buyer: Caller, goods: Goods
) -> None:
    order = await order_of(buyer, goods)
    declined = await pay(buyer, order, "sandbox_insufficient_funds")
    await payment_becomes(buyer, declined, "DECLINED", reason="insufficient_funds", captured=NOTHING)
    await quiet(shop)
    assert (await look(buyer, order))["status"] == "PENDING_PAYMENT"
    assert await goods.books() == Books(19, 1, 0)
    assert subjects(shop, order) == [PLACED]
    unknown = await buyer.post("/payments", {"orderId": order["id"], "method": "sandbox_magic"})
    assert (unknown.status, unknown.code) == (422, "PAYMENT_METHOD_UNKNOWN"), unknown
    await pay(buyer, order)
    await order_becomes(buyer, order, "PAID")
    refused = await buyer.post("/payments", {"orderId": order["id"], "method": "sandbox_ok"})
    assert (refused.status, refused.code) == (409, "ORDER_NOT_PAYABLE"), refused
    assert len((await buyer.get(f"/payments?orderId={order['id']}")).data) == 2


@asynccontextmanager
async def asking_soon(shop: Shop) -> AsyncIterator[None]:
    """The same shop, restarted with a provider that is asked every second; as before afterwards."""
    before = dict(shop.environment)
    impatient = {"SHOP_PAYMENTS_RECONCILE_AFTER_SECONDS": "1", "SHOP_PAYMENTS_RECONCILE_EVERY_SECONDS": "1"}
    await asyncio.to_thread(_restart, shop, {**before, **impatient})
    try:
        yield
    finally:
        await asyncio.to_thread(_restart, shop, before)


def _restart(shop: Shop, environment: dict[str, str]) -> None:
    assert shop.stop() == 0, shop.output
    shop.environment = environment
    shop.start()


async def test_what_the_provider_never_told_is_found_by_asking(
    shop: Shop, admin: Caller, buyer: Caller, new: NewCaller
) -> None:
    """One order waits for its money, another was cancelled before its money came: it is sent back by itself.

    The control comes first: as long as nobody asks, nobody knows.
    """
    waiting, late = await stock_up(admin), await stock_up(admin)
    order = await order_of(buyer, waiting)
    payment = await pay(buyer, order, "sandbox_silent")
    hasty = await new().sign_in_as_guest()
    given_up = await order_of(hasty, late)
    surplus = await pay(hasty, given_up, "sandbox_silent")
    assert (await cancel(hasty, given_up))["status"] == "CANCELLED"
    await quiet(shop)
    assert (await payment_becomes(buyer, payment, "PENDING"))["captured"] == NOTHING
    assert (await look(buyer, order))["status"] == "PENDING_PAYMENT"
    assert [each["status"] for each in (await look(hasty, given_up))["refunds"]] == ["PENDING"]
    async with asking_soon(shop):
        await order_becomes(buyer, order, "PAID", paid=order["total"])
        await payment_becomes(hasty, surplus, "SUCCEEDED", captured=given_up["total"], refunded=given_up["total"])
        await the_surplus_went_back(hasty, given_up)
        await quiet(shop)
    assert (await detail(admin, payment))["webhooks"] == (await detail(admin, surplus))["webhooks"] == []
    assert (await waiting.books(), await late.books()) == (Books(19, 0, 1), Books(20, 0, 0))
    assert subjects(shop, order) == sorted([PLACED, PAID])
    assert subjects(shop, given_up) == sorted([PLACED, CANCELLED, REFUNDED])


async def the_surplus_went_back(buyer: Caller, order: Any) -> None:
    """The order never counted it as paid, so it stays CANCELLED; its refund is done."""

    async def done() -> bool:
        return [each["status"] for each in (await look(buyer, order))["refunds"]] == ["DONE"]

    await eventually(done)
    final = await look(buyer, order)
    assert (final["status"], final["paid"], final["refunded"]) == ("CANCELLED", NOTHING, NOTHING)
    assert [(each["amount"], each["surplus"]) for each in final["refunds"]] == [(order["total"], True)]
    assert actions(final) == ["placed", "cancelled", "payment_not_due", "refunded"]


async def test_staff_can_ask_about_one_payment(shop: Shop, admin: Caller, buyer: Caller, goods: Goods) -> None:
    order = await order_of(buyer, goods)
    payment = await pay(buyer, order, "sandbox_silent")
    path = f"/admin/payments/{payment['id']}/reconcile"
    assert (await buyer.post(path)).status == 403
    await quiet(shop)
    assert (await look(buyer, order))["status"] == "PENDING_PAYMENT"
    assert (await admin.post(path)).data["payment"]["status"] == "SUCCEEDED"
    await order_becomes(buyer, order, "PAID")
    assert (await admin.post(path)).status == 200  # again changes nothing
    await quiet(shop)
    assert actions(await look(buyer, order)) == ["placed", "paid"]


async def test_a_cancelled_order_calls_its_payment_back(shop: Shop, admin: Caller, buyer: Caller, goods: Goods) -> None:
    """The provider has not taken the money yet: it never will, and there is nothing to refund."""
    order = await order_of(buyer, goods)
    payment = await pay(buyer, order, "sandbox_slow")
    await cancel(buyer, order)
    await payment_becomes(buyer, payment, "VOIDED", captured=NOTHING)
    await quiet(shop)
    final = await look(buyer, order)
    assert (final["status"], final["refunds"], actions(final)) == ("CANCELLED", [], ["placed", "cancelled"])
    assert "payment.succeeded" not in deliveries(shop, payment)
    assert await goods.books() == Books(20, 0, 0)
    assert subjects(shop, order) == sorted([PLACED, CANCELLED])
    refused = await buyer.post("/payments", {"orderId": order["id"], "method": "sandbox_ok"})
    assert refused.code == "ORDER_NOT_PAYABLE"


async def test_a_paid_order_that_is_cancelled_gives_back_money_and_stock(
    shop: Shop, buyer: Caller, goods: Goods
) -> None:
    order = await order_of(buyer, goods, 3)
    payment = await pay(buyer, order)
    await order_becomes(buyer, order, "PAID")
    await quiet(shop)
    assert await goods.books() == Books(17, 0, 3)
    assert (await cancel(buyer, order))["status"] == "CANCELLED"
    final = await order_becomes(buyer, order, "REFUNDED", refunded=order["total"])
    await quiet(shop)
    assert await goods.books() == Books(20, 0, 0)
    await payment_becomes(buyer, payment, "SUCCEEDED", refunded=order["total"])
    assert actions(final) == ["placed", "paid", "cancelled", "refund_requested", "refunded"]
    assert subjects(shop, order) == sorted([PLACED, PAID, CANCELLED, REFUNDED])
    (mail,) = [mail for mail in mails_to(shop, order["email"]) if "cancelled" in mail["Subject"]]
    assert "You have paid already" in text_of(mail)
    again = await buyer.post(f"/orders/{order['id']}/cancel", {"reason": "once more"})
    assert (again.status, again.code) == (409, "ORDER_STATE_WRONG")


async def test_a_refund_that_fails_leaves_the_money_and_says_so(
    shop: Shop, admin: Caller, buyer: Caller, goods: Goods
) -> None:
    """Nobody is told that their money came, and its sum may be asked for again."""
    order = await order_of(buyer, goods)
    payment = await pay(buyer, order, "sandbox_refund_fails")
    await order_becomes(buyer, order, "PAID")
    for tries in (1, 2):
        await refund(admin, order)
        await quiet(shop)
        final = await look(buyer, order)
        assert (final["status"], final["refunded"]) == ("PAID", NOTHING)
        assert [each["status"] for each in final["refunds"]] == ["FAILED"] * tries
        assert actions(final)[2:] == ["refund_requested", "refund_failed"] * tries
    known = await detail(admin, payment)
    assert [(each["status"], each["failure"]) for each in known["refunds"]] == [("FAILED", "refund_refused")] * 2
    assert known["payment"]["refunded"] == NOTHING
    assert subjects(shop, order) == sorted([PLACED, PAID])


async def refund(admin: Caller, order: Any) -> None:
    path = f"/admin/orders/{order['id']}"
    version = (await admin.get(path)).data["version"]
    body = {"reason": "never mind", "amount": order["total"]}
    answer = await admin.post(f"{path}/refund", body, if_match=version)
    assert answer.status == 200, answer


async def test_an_unpaid_order_expires_and_gives_its_stock_back(
    shop: Shop, admin: Caller, buyer: Caller, new: NewCaller
) -> None:
    """The control beside it has time left, and keeps what it has."""
    goods, kept = await stock_up(admin), await stock_up(admin)
    order, young = await order_of(buyer, goods, 4), await order_of(await new().sign_in_as_guest(), kept, 4)
    minutes = datetime.fromisoformat(order["expiresAt"]) - datetime.fromisoformat(order["placedAt"])
    assert minutes.total_seconds() == 30 * 60
    assert (await goods.books(), await kept.books()) == (Books(16, 4, 0), Books(16, 4, 0))
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert tamper(shop, "UPDATE orders SET expires_at = ? WHERE id = ?", past, UUID(order["id"])) == 1
    final = await order_becomes(buyer, order, "CANCELLED", cancelReason="expired")
    await quiet(shop)
    assert (await goods.books(), await kept.books()) == (Books(20, 0, 0), Books(16, 4, 0))
    assert [(entry["action"], entry["actorRole"]) for entry in final["history"]][1:] == [("cancelled", "system")]
    assert subjects(shop, order) == sorted([PLACED, CANCELLED])
    assert subjects(shop, young) == [PLACED]
    refused = await buyer.post("/payments", {"orderId": order["id"], "method": "sandbox_ok"})
    assert refused.status == 409


async def test_ten_payments_at_once_take_the_money_once(shop: Shop, admin: Caller, buyer: Caller, goods: Goods) -> None:
    """Whatever their keys: they are all the one payment that the order has."""
    order = await order_of(buyer, goods)
    body = {"orderId": order["id"], "method": "sandbox_ok"}
    answers = await asyncio.gather(*(buyer.post("/payments", body) for _ in range(10)))
    assert {answer.status for answer in answers} <= {201, 409}, answers
    (payment_id,) = {answer.data["id"] for answer in answers if answer.status == 201}
    await order_becomes(buyer, order, "PAID")
    await quiet(shop)
    assert [each["id"] for each in (await buyer.get(f"/payments?orderId={order['id']}")).data] == [payment_id]
    assert select(shop, "SELECT count(*) FROM sandbox_intents WHERE id = ?", UUID(payment_id)) == [(1,)]
    assert actions(await look(buyer, order)) == ["placed", "paid"]


async def test_a_second_method_cannot_take_what_the_first_has_taken(shop: Shop, buyer: Caller, goods: Goods) -> None:
    """The first went through without a word: asking to call it back tells, and the order is paid by it."""
    order = await order_of(buyer, goods)
    first = await pay(buyer, order, "sandbox_silent")
    second = await buyer.post("/payments", {"orderId": order["id"], "method": "sandbox_ok"})
    assert (second.status, second.code) == (409, "PAYMENT_IN_PROGRESS"), second
    await order_becomes(buyer, order, "PAID")
    await quiet(shop)
    (only,) = (await buyer.get(f"/payments?orderId={order['id']}")).data
    assert (only["id"], only["captured"]) == (first["id"], order["total"])


async def webhook(caller: Caller, payment: Any, order: Any, secret: str = SECRET) -> Answer:
    """A provider's word that a payment succeeded, signed by us."""
    body = {
        "type": "payment.succeeded",
        "timestamp": order["placedAt"],
        "data": {"paymentId": payment["id"], "reference": "si_late", "amount": order["total"]},
    }
    raw = json.dumps(body, ensure_ascii=False).encode()
    signed = WebhookSecrets([secret]).sign(f"msg_{payment['id']}", raw, datetime.now(UTC))
    return await caller.post("/payments/webhooks/sandbox", body, headers=signed)


async def test_money_that_comes_twice_is_asked_back(shop: Shop, admin: Caller, buyer: Caller, goods: Goods) -> None:
    """A payment that was replaced turns out to have gone through after all. A forged word of it is the control."""
    order = await order_of(buyer, goods)
    replaced = await pay(buyer, order, "sandbox_slow")
    payment = await pay(buyer, order, "sandbox_ok")
    assert payment["id"] != replaced["id"]
    await order_becomes(buyer, order, "PAID")
    await payment_becomes(buyer, replaced, "VOIDED", captured=NOTHING)
    forged = await webhook(buyer, replaced, order, "whsec_" + base64.b64encode(b"x" * 32).decode())
    assert (forged.status, forged.code) == (401, "WEBHOOK_SIGNATURE_INVALID"), forged
    await quiet(shop)
    assert (await look(buyer, order))["refunds"] == []
    told = await webhook(buyer, replaced, order)
    again = await webhook(buyer, replaced, order)
    assert [(each.status, each.data["duplicate"]) for each in (told, again)] == [(200, False), (200, True)]
    await quiet(shop)
    final = await look(buyer, order)
    assert (final["status"], final["paid"], final["refunded"]) == ("PAID", order["total"], NOTHING)
    assert [(each["amount"], each["surplus"]) for each in final["refunds"]] == [(order["total"], True)]
    (asked,) = (await detail(admin, replaced))["refunds"]
    assert (asked["amount"], asked["reason"]) == (order["total"], "paid twice")
    assert (await detail(admin, payment))["refunds"] == []
    assert actions(final).count("payment_not_due") == 1
