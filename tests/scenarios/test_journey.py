"""The whole way of one order, over HTTP against a running shop: from a guest's first look to the last refund.

It runs in both languages, and ends with the books: every mail, notice, line of history and cent that
belongs to the order is there, once, and no other.
"""

from email.message import EmailMessage
from typing import Any

import pytest

from tests.scenarios.conftest import NewCaller
from tests.support.journey import (
    Books,
    Goods,
    actions,
    mail_to,
    mails_to,
    order_becomes,
    pay,
    payment_becomes,
    put_in,
    quiet,
    stock_up,
    text_of,
    token_in,
)
from tests.support.shop import ADDRESS, Caller, Shop, eventually

SUBJECTS = {
    "en": {
        "welcome": "Welcome to Caddy Shopping",
        "confirm_address": "Confirm your e-mail address",
        "order_placed": "We received your order {number}",
        "order_paid": "Payment received for order {number}",
        "order_shipped": "Order {number} is on its way",
        "order_cancelled": "Order {number} was cancelled",
        "order_refunded": "Your refund for order {number}",
    },
    "zh": {
        "welcome": "欢迎来到 Caddy Shopping",
        "confirm_address": "请确认您的邮箱地址",
        "order_placed": "我们已收到您的订单 {number}",
        "order_paid": "订单 {number} 已付款",
        "order_shipped": "订单 {number} 已发货",
        "order_cancelled": "订单 {number} 已取消",
        "order_refunded": "订单 {number} 的退款",
    },
}
MAILS = [
    "welcome",
    "confirm_address",
    "order_placed",
    "order_paid",
    "order_shipped",
    "order_refunded",
    "order_refunded",
]
NOTICES = [
    "welcome",
    "order_placed",
    "order_paid",
    "order_shipped",
    "order_completed",
    "order_refund_requested",
    "order_returned",
    "order_refunded",
    "order_refund_requested",
    "order_refunded",
]
HISTORY = [
    ("placed", "customer"),
    ("payment_declined", "system"),
    ("paid", "system"),
    ("shipped", "admin"),
    ("completed", "admin"),
    ("refund_requested", "admin"),
    ("restocked", "admin"),
    ("refunded", "system"),
    ("refund_requested", "admin"),
    ("refunded", "system"),
]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_from_guest_to_refunded(shop: Shop, new: NewCaller, admin: Caller, language: str) -> None:
    buyer, email = new(language), f"journey.{language}@shop.example"
    scarf = await stock_up(admin, f"蓝色羊毛围巾 {language}", price=12345, weightGrams=300)
    lamp = await stock_up(admin, "Reading Lamp", price=999)
    await comes_as_guest(buyer, scarf)
    await registers(shop, buyer, email)
    await searches(buyer, scarf, lamp)
    await fills_the_cart(buyer, scarf, lamp)
    quote = await asks_for_a_quote(buyer)
    order = await orders_once(buyer, quote)
    assert await scarf.books() == Books(18, 2, 0)
    payment = await is_declined_and_pays(buyer, order)
    await scarf.books_become(18, 0, 2)
    await ships_and_completes(shop, buyer, admin, order)
    first = await refunds_one_scarf(buyer, admin, order, scarf)
    await refunds_the_rest(buyer, admin, order)
    await quiet(shop)
    await the_money_adds_up(buyer, admin, order, payment, first)
    await the_history_says_who_and_when(buyer, admin, order)
    await every_mail_came_once(shop, admin, email, order, language)
    await the_notices_are_complete(buyer, order, language)


async def comes_as_guest(buyer: Caller, scarf: Goods) -> None:
    await buyer.sign_in_as_guest()
    await put_in(buyer, scarf, 2)


async def registers(shop: Shop, buyer: Caller, email: str) -> None:
    """The guest's id and cart stay; the guest's own token ends; the mailed token confirms, once."""
    guest, cart = (await buyer.get("/users/me")).data, (await buyer.get("/cart")).data
    stale = buyer.token
    await buyer.register(email)
    me = (await buyer.get("/users/me")).data
    assert (guest["role"], me["role"], me["emailConfirmed"]) == ("guest", "customer", False)
    assert (me["id"], me["email"], me["language"]) == (guest["id"], email, buyer.language)
    assert (await buyer.get("/cart")).data == cart
    kept, buyer.token = buyer.token, stale
    assert (await buyer.get("/users/me")).status == 401
    buyer.token = kept
    token = token_in(await mail_to(shop, email, SUBJECTS[buyer.language]["confirm_address"]))
    refused = await buyer.post("/auth/email/confirm", {"token": token[:-1] + ("A" if token[-1] != "A" else "B")})
    assert (refused.status, refused.code) == (422, "MAIL_TOKEN_INVALID"), refused
    assert not (await buyer.get("/users/me")).data["emailConfirmed"]
    assert (await buyer.post("/auth/email/confirm", {"token": token})).status == 204
    assert (await buyer.get("/users/me")).data["emailConfirmed"]
    assert (await buyer.post("/auth/email/confirm", {"token": token})).code == "MAIL_TOKEN_INVALID"


async def searches(buyer: Caller, scarf: Goods, lamp: Goods) -> None:
    """Words of both scripts find what they name and nothing else."""

    async def found(words: str) -> list[str]:
        answer = await buyer.get("/products?limit=100&q=" + words)
        assert answer.status == 200, answer
        return [product["slug"] for product in answer.data]

    assert scarf.slug in await found("羊毛围巾")
    assert scarf.slug in await found("羊毛")
    assert lamp.slug in await found("reading")
    assert "black-leather-bag" in await found("leather")
    assert not {scarf.slug, lamp.slug} & set(await found("leather"))
    assert scarf.slug not in await found("丝绸")
    assert await found("nothing-is-called-so") == []


async def fills_the_cart(buyer: Caller, scarf: Goods, lamp: Goods) -> None:
    """Three lines, of which one is deselected, and one of the demo's own products."""
    bag = (await buyer.get("/products/black-leather-bag")).data["variants"][0]
    cart = await put_in(buyer, lamp, 3)
    answer = await buyer.post("/cart/items", {"variantId": bag["id"]})
    assert [item["quantity"] for item in answer.data["items"]] == [2, 3, 1]
    assert answer.data["subtotal"]["amount"] == 2 * scarf.price + 3 * lamp.price + bag["price"]["amount"]
    (lamp_line,) = [item for item in cart["items"] if item["variantId"] == lamp.variant_id]
    none = await buyer.post("/cart/select", {"selected": False})
    assert none.data["subtotal"] is None
    assert none.data["selectedQuantity"] == 0
    assert (await buyer.post("/orders/quote", {})).code == "CART_EMPTY"
    assert (await buyer.post("/cart/select", {"selected": True})).data["selectedQuantity"] == 6
    cart = (await buyer.ask("PATCH", f"/cart/items/{lamp_line['id']}", {"selected": False})).data
    assert cart["selectedQuantity"] == 3
    assert cart["subtotal"]["amount"] == 2 * scarf.price + bag["price"]["amount"]


async def asks_for_a_quote(buyer: Caller) -> Any:
    """The steps that count add up to the total; so do the lines and the shipping. Nothing is reserved by it."""
    answer = await buyer.post("/orders/quote", {"shippingMethod": "express", "address": ADDRESS})
    assert answer.status == 200, answer
    quote = answer.data
    total = quote["total"]["amount"]
    assert [line["quantity"] for line in quote["lines"]] == [2, 1]
    assert sum(step["amount"]["amount"] for step in quote["steps"] if step["counts"]) == total
    assert sum(line["total"]["amount"] for line in quote["lines"]) + quote["shipping"]["amount"] == total
    assert quote["shipping"]["amount"] > 0
    assert 0 < quote["tax"]["amount"] < total
    texts = " ".join(step["text"] for step in quote["steps"])
    assert ("总计" in texts, "Total" in texts) == (buyer.language == "zh", buyer.language == "en"), texts
    return quote


async def orders_once(buyer: Caller, quote: Any) -> Any:
    """A key is required, gives one order however often it is sent, and is good for one payload."""
    body = {"shippingMethod": "express", "address": ADDRESS, "expectedTotal": quote["total"]}
    keyless = await buyer.post("/orders", body, headers={"Idempotency-Key": ""})
    assert (keyless.status, keyless.code) == (400, "IDEMPOTENCY_KEY_MISSING"), keyless
    cheaper = {**body, "expectedTotal": {**quote["total"], "amount": quote["total"]["amount"] - 1}}
    assert (await buyer.post("/orders", cheaper)).code == "PRICE_CHANGED"
    assert (await buyer.get("/orders")).data == []
    first = await buyer.post("/orders", body, key="journey")
    again = await buyer.post("/orders", body, key="journey")
    other = await buyer.post("/orders", {**body, "note": "quick"}, key="journey")
    assert (first.status, again.status, other.status) == (201, 201, 422), (first, again, other)
    assert first.raw == again.raw
    assert "Idempotency-Replayed" in again.headers
    assert "Idempotency-Replayed" not in first.headers
    order = first.data
    assert first.headers["Location"] == f"/api/v1/orders/{order['id']}"
    assert [each["id"] for each in (await buyer.get("/orders")).data] == [order["id"]]
    assert order["total"] == quote["total"]
    assert [item["quantity"] for item in (await buyer.get("/cart")).data["items"]] == [3]  # what was not selected
    return order


async def is_declined_and_pays(buyer: Caller, order: Any) -> Any:
    declined = await pay(buyer, order, "sandbox_declined")
    await payment_becomes(buyer, declined, "DECLINED", reason="card_declined")
    waiting = await order_becomes(buyer, order, "PENDING_PAYMENT")
    assert waiting["paid"]["amount"] == 0

    async def noted() -> bool:
        return actions((await buyer.get(f"/orders/{order['id']}")).data)[1:] == ["payment_declined"]

    await eventually(noted)
    payment = await pay(buyer, order, "sandbox_ok")
    assert payment["id"] != declined["id"]
    await order_becomes(buyer, order, "PAID")
    return await payment_becomes(buyer, payment, "SUCCEEDED")


async def ships_and_completes(shop: Shop, buyer: Caller, admin: Caller, order: Any) -> None:
    """Staff must say what they saw: no version is refused, so is a stale one, and nothing happens then."""
    parcel = {"carrier": "SF Express 顺丰", "trackingNumber": "SF1234567890"}
    path = f"/admin/orders/{order['id']}"
    version = (await admin.get(path)).data["version"]
    assert (await admin.post(f"{path}/ship", parcel)).status == 428
    assert (await admin.post(f"{path}/ship", parcel, if_match=version - 1)).status == 412
    assert (await buyer.get(f"/orders/{order['id']}")).data["status"] == "PAID"
    early = await admin.post(f"{path}/complete", if_match=version)
    assert (early.status, early.code) == (409, "ORDER_STATE_WRONG"), early
    shipped = await admin.post(f"{path}/ship", parcel, if_match=version)
    assert (shipped.status, shipped.data["status"]) == (200, "SHIPPED"), shipped
    tag = shipped.headers["ETag"].strip('"')  # whatever it looks like, it is good for the next change
    assert (await admin.post(f"{path}/ship", parcel, if_match=version)).status == 412
    mail = await mail_to(shop, order["email"], SUBJECTS[buyer.language]["order_shipped"].format(**order))
    assert all(fact in text_of(mail) for fact in parcel.values()), text_of(mail)
    done = await admin.post(f"{path}/complete", if_match=tag)
    assert (done.status, done.data["status"]) == (200, "COMPLETED"), done


async def refunds_one_scarf(buyer: Caller, admin: Caller, order: Any, scarf: Goods) -> int:
    """One of two comes back, and onto the shelf. The order stays what it is."""
    path = f"/admin/orders/{order['id']}"
    seen = (await admin.get(path)).data
    (line,) = [line for line in seen["lines"] if line["variantId"] == scarf.variant_id]
    body = {"reason": "torn", "lines": [{"lineId": line["id"], "quantity": 1}], "restock": True}
    assert (await admin.post(f"{path}/refund", body)).status == 428
    answer = await admin.post(f"{path}/refund", body, if_match=seen["version"])
    assert answer.status == 200, answer
    assert answer.data["refunds"][0]["amount"]["amount"] == scarf.price
    money = {"amount": scarf.price, "currency": "CNY"}
    await order_becomes(buyer, order, "COMPLETED", refunded=money)

    async def shelved() -> bool:
        return (await scarf.books()).stock == 19

    await eventually(shelved)
    return scarf.price


async def refunds_the_rest(buyer: Caller, admin: Caller, order: Any) -> None:
    """Never more than was paid; to the last unit, and it is REFUNDED."""
    path = f"/admin/orders/{order['id']}"
    seen = (await admin.get(path)).data
    rest = order["total"]["amount"] - seen["refunded"]["amount"]

    async def refund(amount: int) -> Any:
        body = {"reason": "never mind", "amount": {"amount": amount, "currency": "CNY"}}
        return await admin.post(f"{path}/refund", body, if_match=seen["version"])

    assert (await refund(rest + 1)).code == "REFUND_TOO_LARGE"
    assert (await refund(rest)).status == 200
    await order_becomes(buyer, order, "REFUNDED", refunded=order["total"])


async def the_money_adds_up(buyer: Caller, admin: Caller, order: Any, payment: Any, first: int) -> None:
    final = (await buyer.get(f"/orders/{order['id']}")).data
    total = final["total"]["amount"]
    assert sum(line["total"]["amount"] for line in final["lines"]) + final["shipping"]["amount"] == total
    assert final["paid"]["amount"] == final["refunded"]["amount"] == total
    assert [each["amount"]["amount"] for each in final["refunds"]] == [first, total - first]
    assert {each["status"] for each in final["refunds"]} == {"DONE"}
    tries = (await buyer.get(f"/payments?orderId={order['id']}")).data
    assert [(each["status"], each["captured"]["amount"], each["refunded"]["amount"]) for each in tries] == [
        ("SUCCEEDED", total, total),
        ("DECLINED", 0, 0),
    ]
    detail = (await admin.get(f"/admin/payments/{payment['id']}")).data
    assert sorted(each["amount"]["amount"] for each in detail["refunds"]) == sorted([first, total - first])
    assert {each["status"] for each in detail["refunds"]} == {"SUCCEEDED"}
    assert all(hook["processedAt"] and not hook["error"] for hook in detail["webhooks"])


async def the_history_says_who_and_when(buyer: Caller, admin: Caller, order: Any) -> None:
    staff, me = (await admin.get("/users/me")).data["id"], (await buyer.get("/users/me")).data["id"]
    history = (await admin.get(f"/admin/orders/{order['id']}")).data["history"]
    assert [(entry["action"], entry["actorRole"]) for entry in history] == HISTORY
    people = {"customer": me, "admin": staff, "system": None}
    assert [entry["actorId"] for entry in history] == [people[role] for _, role in HISTORY]
    moments = [entry["at"] for entry in history]
    assert moments == sorted(moments)
    assert history[3]["detail"] == "SF Express 顺丰 SF1234567890"
    own = (await buyer.get(f"/orders/{order['id']}")).data["history"]
    assert [entry["action"] for entry in own] == [action for action, _ in HISTORY]
    assert {entry["actorId"] for entry in own} == {None}  # which colleague it was is none of the buyer's business


async def every_mail_came_once(shop: Shop, admin: Caller, email: str, order: Any, language: str) -> None:
    mails = mails_to(shop, email)
    assert sorted(mail["Subject"] for mail in mails) == sorted(
        SUBJECTS[language][kind].format(**order) for kind in MAILS
    )
    assert {mail["Content-Language"] for mail in mails} == {{"en": "en", "zh": "zh-CN"}[language]}
    assert len({mail["Message-ID"] for mail in mails}) == len(MAILS)
    assert all(order["number"] in text_of(mail) for mail in mails if order["number"] in mail["Subject"])
    assert all(_html_of(mail).strip() for mail in mails)
    known = (await admin.get(f"/admin/notifications/emails?limit=100&address={email}")).data
    assert sorted(each["kind"] for each in known) == sorted(MAILS)
    assert {(each["status"], each["attempts"], each["language"]) for each in known} == {("SENT", 1, language)}


async def the_notices_are_complete(buyer: Caller, order: Any, language: str) -> None:
    notices = (await buyer.get("/notifications?limit=100")).data
    assert sorted(each["kind"] for each in notices) == sorted(NOTICES)
    assert {each["orderId"] for each in notices} == {None, order["id"]}
    (shipped,) = [each for each in notices if each["kind"] == "order_shipped"]
    assert shipped["title"] == SUBJECTS[language]["order_shipped"].format(**order)
    assert (await buyer.get("/notifications/unread-count")).data["unread"] == len(NOTICES)
    assert (await buyer.post(f"/notifications/{shipped['id']}/read")).data["readAt"]
    assert (await buyer.get("/notifications/unread-count")).data["unread"] == len(NOTICES) - 1


async def test_a_mail_that_was_switched_off_is_missing_from_the_list(shop: Shop, new: NewCaller, admin: Caller) -> None:
    """The negative control of the mails above: one that does not come is seen not to come, and others do."""
    buyer = await new().register("quiet.buyer@shop.example")
    assert (await buyer.ask("PUT", "/notifications/preferences", {"email": {"order_paid": False}})).status == 200
    refused = await buyer.ask("PUT", "/notifications/preferences", {"email": {"reset_password": False}})
    assert refused.code == "SECURITY_MAIL_REQUIRED"
    await put_in(buyer, await stock_up(admin))
    order = (await buyer.post("/orders", {"shippingMethod": "standard", "address": ADDRESS})).data
    await pay(buyer, order)
    await order_becomes(buyer, order, "PAID")
    await quiet(shop)
    subjects = [SUBJECTS["en"][kind].format(**order) for kind in ("welcome", "confirm_address", "order_placed")]
    assert sorted(mail["Subject"] for mail in mails_to(shop, "quiet.buyer@shop.example")) == sorted(subjects)


def _html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    content: str = part.get_content()
    return content
