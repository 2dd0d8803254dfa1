"""Accounts over HTTP against a running shop: who gets in, for how long, and what they may do there."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.scenarios.conftest import NewCaller
from tests.support.furnished import running_shop
from tests.support.journey import (
    actions,
    mail_to,
    mails_to,
    order_becomes,
    order_of,
    pay,
    put_in,
    quiet,
    seen,
    stock_up,
    text_of,
    token_in,
)
from tests.support.shop import ADDRESS, Caller, Shop, eventually

PASSWORD = "correct horse battery"
PARCEL = {"carrier": "SF Express", "trackingNumber": "SF1"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running_shop(tmp_path_factory.mktemp("accounts")) as running:
        yield running


@pytest.fixture
async def customer(new: NewCaller) -> Any:
    return await new().register(f"{uuid4().hex}@shop.example")


async def me(caller: Caller) -> int:
    """Whether the caller is let in: the status of their own account."""
    return (await caller.get("/users/me")).status


async def refresh(caller: Caller, token: str | None) -> Any:
    return await caller.post("/auth/refresh", {"refreshToken": token})


async def sign_in(new: NewCaller, email: str | None, password: str) -> Any:
    """The answer, whatever it is."""
    return await new().post("/auth/login", {"email": email, "password": password})


async def test_registering_and_signing_in(new: NewCaller) -> None:
    """One account for an address in whatever case; a wrong password and an unknown address look the same."""
    email = f"Ada.{uuid4().hex}@shop.example"
    ada = await new().register(email)
    body = {"email": email.upper(), "password": PASSWORD, "name": "Eve"}
    taken = await new().post("/auth/register", body)
    assert (taken.status, taken.code) == (409, "EMAIL_TAKEN"), taken
    short = await new().post("/auth/register", {**body, "email": f"x{email}", "password": "short"})
    assert (short.status, short.code) == (422, "PASSWORD_LENGTH"), short
    assert (await sign_in(new, f"x{email}", "short")).status == 401
    again = await new().sign_in(email.lower(), PASSWORD)
    assert (await again.get("/users/me")).data == (await ada.get("/users/me")).data
    wrong, unknown = await sign_in(new, email, "wrong horse"), await sign_in(new, f"y{email}", PASSWORD)
    assert (wrong.status, wrong.code, wrong.json["message"]) == (401, "BAD_CREDENTIALS", unknown.json["message"])
    assert unknown.code == "BAD_CREDENTIALS"
    chinese = await new("zh").post("/auth/login", {"email": email, "password": "wrong horse"})
    assert chinese.json["message"] == "邮箱或密码错误。"
    assert await me(new()) == 401


async def test_an_honest_retry_gets_the_same_successor(customer: Caller) -> None:
    """A lost answer is no theft: until the successor is used, its predecessor brings it again."""
    first = customer.refresh_token
    lost, retried = await refresh(customer, first), await refresh(customer, first)
    assert lost.status == retried.status == 200, (lost, retried)
    assert lost.data["refreshToken"] == retried.data["refreshToken"] != first
    assert lost.headers["Cache-Control"] == "no-store"
    customer.token = retried.data["accessToken"]
    assert await me(customer) == 200
    assert (await refresh(customer, retried.data["refreshToken"])).status == 200


async def test_reuse_ends_the_whole_family_and_no_other(new: NewCaller, customer: Caller) -> None:
    """The thief's copy and the owner's newest token both die, at once; another sign-in of theirs lives on."""
    other = await new().sign_in(customer.email or "", PASSWORD)
    first = customer.refresh_token
    second = (await refresh(customer, first)).data["refreshToken"]
    third = (await refresh(customer, second)).data
    customer.token = third["accessToken"]
    assert await me(customer) == 200
    reused = await refresh(customer, first)
    assert (reused.status, reused.code) == (401, "REFRESH_TOKEN_REUSED"), reused
    for token in (first, second, third["refreshToken"]):
        assert (await refresh(customer, token)).code == "REFRESH_TOKEN_INVALID"
    assert await me(customer) == 401
    assert await me(other) == 200
    assert (await refresh(other, other.refresh_token)).status == 200
    assert (await refresh(other, "no-such-token")).code == "REFRESH_TOKEN_INVALID"


async def test_signing_out_here_leaves_the_others_and_everywhere_leaves_none(new: NewCaller, customer: Caller) -> None:
    phone, laptop = [await new().sign_in(customer.email or "", PASSWORD) for _ in range(2)]
    assert (await phone.post("/auth/logout")).status == 204
    assert [await me(each) for each in (phone, laptop, customer)] == [401, 200, 200]
    assert (await refresh(phone, phone.refresh_token)).status == 401
    assert (await laptop.post("/auth/logout-everywhere")).status == 204
    assert [await me(each) for each in (phone, laptop, customer)] == [401, 401, 401]
    assert (await refresh(customer, customer.refresh_token)).status == 401
    assert await me(await new().sign_in(customer.email or "", PASSWORD)) == 200


async def test_changing_the_password(new: NewCaller, customer: Caller) -> None:
    """Takes the current one; ends every other session; the old password is worth nothing then."""
    other = await new().sign_in(customer.email or "", PASSWORD)
    change = {"currentPassword": "not my password", "newPassword": "battery staple horse"}
    wrong = await customer.post("/auth/password/change", change)
    assert (wrong.status, wrong.code) == (422, "CURRENT_PASSWORD_WRONG"), wrong
    assert await me(other) == 200
    assert (await sign_in(new, customer.email, PASSWORD)).status == 200
    done = await customer.post("/auth/password/change", {**change, "currentPassword": PASSWORD})
    assert done.status == 204, done
    assert [await me(each) for each in (customer, other)] == [200, 401]
    assert (await sign_in(new, customer.email, PASSWORD)).status == 401
    assert (await sign_in(new, customer.email, "battery staple horse")).status == 200


async def test_a_forgotten_password_is_reset_by_mail(shop: Shop, new: NewCaller, customer: Caller) -> None:
    """The token of the newest mail works, once; every session ends; the address counts as confirmed."""
    email = customer.email or ""
    assert (await new().post("/auth/password/forgot", {"email": email})).status == 202
    await mail_to(shop, email, "Choose a new password")
    assert (await new().post("/auth/password/forgot", {"email": email})).status == 202
    await quiet(shop)
    mails = [mail for mail in mails_to(shop, email) if mail["Subject"] == "Choose a new password"]
    older, newer = [token_in(mail) for mail in mails]
    body = {"token": older, "password": "a brand new secret"}
    assert (await new().post("/auth/password/reset", body)).code == "MAIL_TOKEN_INVALID"
    assert await me(customer) == 200
    short = await new().post("/auth/password/reset", {"token": newer, "password": "short"})
    assert short.code == "PASSWORD_LENGTH"  # and the token is still good
    assert (await new().post("/auth/password/reset", {**body, "token": newer})).status == 204
    assert await me(customer) == 401
    assert (await sign_in(new, email, PASSWORD)).status == 401
    back = await new().sign_in(email, "a brand new secret")
    assert (await back.get("/users/me")).data["emailConfirmed"]
    assert (await new().post("/auth/password/reset", {**body, "token": newer})).code == "MAIL_TOKEN_INVALID"


async def test_nobody_learns_whether_an_address_has_an_account(shop: Shop, new: NewCaller, customer: Caller) -> None:
    nobody = f"{uuid4().hex}@shop.example"
    unknown = await new().post("/auth/password/forgot", {"email": nobody})
    known = await new().post("/auth/password/forgot", {"email": customer.email})
    assert (unknown.status, unknown.raw) == (known.status, known.raw) == (202, known.raw)
    await quiet(shop)
    assert "Choose a new password" in {mail["Subject"] for mail in mails_to(shop, customer.email or "")}
    assert mails_to(shop, nobody) == []


async def test_a_new_confirmation_mail_replaces_the_old_one(shop: Shop, customer: Caller) -> None:
    email, subject = customer.email or "", "Confirm your e-mail address"
    older = token_in(await mail_to(shop, email, subject))
    assert (await customer.post("/auth/email/resend")).status == 202
    await quiet(shop)
    tokens = [token_in(mail) for mail in mails_to(shop, email) if mail["Subject"] == subject]
    (newer,) = set(tokens) - {older}
    assert (await customer.post("/auth/email/confirm", {"token": older})).code == "MAIL_TOKEN_INVALID"
    assert not (await customer.get("/users/me")).data["emailConfirmed"]
    assert (await customer.post("/auth/email/confirm", {"token": newer})).status == 204
    assert (await customer.post("/auth/email/resend")).code == "EMAIL_ALREADY_CONFIRMED"


async def test_a_closed_account_is_out_with_its_next_request(new: NewCaller, admin: Caller, customer: Caller) -> None:
    """Tokens that were good a moment ago are not; opened again, its owner has to sign in anew."""
    account = (await customer.get("/users/me")).data
    path = f"/admin/users/{account['id']}"
    assert (await admin.post(f"{path}/disable")).status == 428
    assert (await admin.post(f"{path}/disable", if_match=account["version"] + 1)).status == 412
    assert (await customer.post(f"{path}/disable", if_match=account["version"])).status == 403
    assert await me(customer) == 200
    closed = await admin.post(f"{path}/disable", if_match=account["version"])
    assert (closed.status, closed.data["disabled"]) == (200, True), closed
    assert await me(customer) == 401
    assert (await refresh(customer, customer.refresh_token)).status == 401
    refused = await sign_in(new, customer.email, PASSWORD)
    assert (refused.status, refused.code) == (403, "ACCOUNT_DISABLED"), refused
    assert (await sign_in(new, customer.email, "wrong horse")).code == "BAD_CREDENTIALS"
    assert (await admin.post(f"{path}/enable", if_match=closed.data["version"])).status == 200
    assert await me(customer) == 401
    assert await me(await new().sign_in(customer.email or "", PASSWORD)) == 200


async def colleague(new: NewCaller, admin: Caller, *permissions: str) -> tuple[Caller, Any]:
    """A member of staff with these permissions, signed in, and their account."""
    email = f"{uuid4().hex}@shop.example"
    body = {"email": email, "name": "Kim", "role": "staff", "permissions": list(permissions), "password": PASSWORD}
    made = await admin.post("/admin/users", body)
    assert made.status == 201, made
    return await new().sign_in(email, PASSWORD), made.data


async def test_staff_without_the_permission_gets_403_and_changes_nothing(
    new: NewCaller, admin: Caller, customer: Caller
) -> None:
    """Each thing that `orders:manage` is for is refused; then the permission is given, and counts at once."""
    order = await order_of(customer, await stock_up(admin))
    await pay(customer, order)
    before = await order_becomes(customer, order, "PAID")
    staff, account = await colleague(new, admin, "products:manage", "payments:manage")
    path = f"/admin/orders/{order['id']}"
    lines = [{"lineId": before["lines"][0]["id"], "quantity": 1}]
    tries: list[tuple[str, Any]] = [
        ("ship", PARCEL),
        ("complete", None),
        ("cancel", {"reason": "no"}),
        ("return", {"lines": lines, "restock": True}),
        ("refund", {"reason": "no", "amount": order["total"]}),
    ]
    for action, body in tries:
        for caller in (staff, customer):
            refused = await caller.post(f"{path}/{action}", body, if_match=before["version"])
            assert (refused.status, refused.code) == (403, "PERMISSION_MISSING"), (action, refused)
    assert (await staff.get(path)).status == (await staff.get("/admin/orders")).status == 403
    assert (await customer.get(f"/orders/{order['id']}")).data == before
    role = {"role": "staff", "permissions": ["orders:manage"]}
    answer = await admin.ask("PUT", f"/admin/users/{account['id']}/role", role, if_match=account["version"])
    assert (answer.status, answer.data["permissions"]) == (200, ["orders:manage"]), answer
    shipped = await staff.post(f"{path}/ship", PARCEL, if_match=before["version"])
    assert (shipped.status, shipped.data["status"]) == (200, "SHIPPED"), shipped
    history = (await admin.get(path)).data["history"]
    assert (history[-1]["action"], history[-1]["actorId"]) == ("shipped", account["id"])
    assert (await staff.get("/admin/payments")).status == 403  # what was taken is gone as fast


async def test_nobody_hands_out_what_they_do_not_have(new: NewCaller, admin: Caller, customer: Caller) -> None:
    """With `users:manage` alone one makes colleagues, but none that may do more than oneself."""
    manager, own = await colleague(new, admin, "users:manage")
    body = {"email": f"{uuid4().hex}@shop.example", "name": "Lu", "role": "staff", "password": PASSWORD}
    for more in ({"permissions": ["orders:manage"]}, {"role": "admin"}):
        refused = await manager.post("/admin/users", {**body, **more})
        assert (refused.status, refused.code) == (403, "BEYOND_YOUR_RIGHTS"), refused
    assert (await admin.get(f"/admin/users?q={body['email']}")).data == []
    assert (await manager.post("/admin/users", {**body, "permissions": ["users:manage"]})).status == 201
    unknown = await admin.post("/admin/users", {**body, "permissions": ["everything"]})
    assert (unknown.status, unknown.code) == (422, "PERMISSION_UNKNOWN"), unknown
    boss = (await admin.get("/users/me")).data
    assert (await manager.post(f"/admin/users/{boss['id']}/disable", if_match=boss["version"])).status == 403
    mine = await manager.ask("PUT", f"/admin/users/{own['id']}/role", {"role": "admin"}, if_match=own["version"])
    assert mine.status in (403, 409), mine
    self_closing = await admin.post(f"/admin/users/{boss['id']}/disable", if_match=boss["version"])
    assert (self_closing.status, self_closing.code) == (409, "OWN_ACCOUNT"), self_closing
    assert (await admin.get("/users/me")).data == boss
    assert (await customer.get("/admin/users")).status == 403
    assert (await new().get("/admin/users")).status == 401


async def test_a_colleague_without_a_password_gets_a_link(shop: Shop, new: NewCaller, admin: Caller) -> None:
    email = f"{uuid4().hex}@shop.example"
    body = {"email": email, "name": "王伟", "role": "staff", "permissions": ["orders:manage"], "language": "zh"}
    assert (await admin.post("/admin/users", body)).status == 201
    mail = await mail_to(shop, email, "重置您的密码")
    assert "王伟" in text_of(mail)
    token = token_in(mail)
    assert (await new().post("/auth/password/reset", {"token": token, "password": "my own words"})).status == 204
    staff = await new().sign_in(email, "my own words")
    assert (await staff.get("/admin/orders")).status == 200


async def test_another_customers_things_are_not_there(shop: Shop, new: NewCaller, admin: Caller) -> None:
    """404, as for what does not exist; by id and by number; and nothing happens to them."""
    owner, stranger = [await new().register(f"{uuid4().hex}@shop.example") for _ in range(2)]
    order = await order_of(owner, await stock_up(admin))
    payment = await pay(owner, order)
    before = await order_becomes(owner, order, "PAID")
    await quiet(shop)
    missing = await stranger.get(f"/orders/{uuid4()}")
    for reference in (order["id"], order["number"]):
        assert (await owner.get(f"/orders/{reference}")).status == 200
        answer = await stranger.get(f"/orders/{reference}")
        assert (answer.status, answer.code, answer.json["message"]) == (404, missing.code, missing.json["message"])
    assert (await stranger.post(f"/orders/{order['id']}/cancel", {"reason": "mine"})).status == 404
    assert (await stranger.post("/payments", {"orderId": order["id"], "method": "sandbox_ok"})).status == 404
    assert (await stranger.get(f"/payments/{payment['id']}")).status == 404
    assert (await stranger.get(f"/payments?orderId={order['id']}")).data == []
    assert (await stranger.get("/orders")).data == []
    (notice, *_) = (await owner.get("/notifications")).data
    assert (await stranger.post(f"/notifications/{notice['id']}/read")).status == 404
    address = (await owner.post("/users/me/addresses", ADDRESS)).data["id"]
    for method, body in (("GET", None), ("PUT", ADDRESS), ("DELETE", None)):
        assert (await stranger.ask(method, f"/users/me/addresses/{address}", body)).status == 404, method
    assert (await owner.get(f"/users/me/addresses/{address}")).status == 200
    assert (await owner.get(f"/orders/{order['id']}")).data == before
    items = (await put_in(owner, await stock_up(admin)))["items"]
    assert (await stranger.ask("DELETE", f"/cart/items/{items[0]['id']}")).status == 404
    assert (await owner.get("/cart")).data["items"] == items


async def test_a_guests_cart_order_and_news_come_along_on_signing_in(
    shop: Shop, new: NewCaller, admin: Caller, customer: Caller
) -> None:
    """Quantities of the same thing add up. Signing in without the guest's token (the control) brings nothing."""
    tea, cup, pot = [await stock_up(admin, title) for title in ("Tea", "Cup", "Pot")]
    await put_in(customer, tea, 2)
    guest = await new().sign_in_as_guest()
    order = await order_of(guest, pot)
    await put_in(guest, tea, 3)
    await put_in(guest, cup)
    await quiet(shop)
    assert len((await guest.get("/notifications")).data) == 1
    await new().sign_in(customer.email or "", PASSWORD)
    await quiet(shop)
    assert (await customer.get("/cart")).data["quantity"] == 2
    assert (await customer.get("/orders")).data == []
    await guest.sign_in(customer.email or "", PASSWORD)

    async def merged() -> bool:
        items = (await customer.get("/cart")).data["items"]
        found = {item["variantId"]: item["quantity"] for item in items}
        return found == {tea.variant_id: 5, cup.variant_id: 1}

    await eventually(merged)
    adopted = await seen(customer, f"/orders/{order['id']}", status="PENDING_PAYMENT")
    assert actions(adopted) == ["placed", "handed_over"]
    await quiet(shop)
    assert "order_placed" in {notice["kind"] for notice in (await customer.get("/notifications")).data}
    await pay(customer, order)
    await order_becomes(customer, order, "PAID")


async def test_ten_tries_and_no_more(new: NewCaller, customer: Caller) -> None:
    """Guessing stops: the right password does not help then either. Another account is not touched by it."""
    for _ in range(10):
        assert (await sign_in(new, customer.email, "wrong horse")).status == 401
    blocked = await sign_in(new, customer.email, PASSWORD)
    assert blocked.status == 429, blocked
    assert int(blocked.headers["Retry-After"]) > 0
    assert await me(customer) == 200
    assert await me(await new().register(f"{uuid4().hex}@shop.example")) == 200
