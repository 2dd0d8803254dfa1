"""The routes of the users context, behind the real web application."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from caddy_shopping.contexts.users.application.change_role import ChangeRole
from caddy_shopping.contexts.users.interface.auth_http import address_of
from caddy_shopping.kernel.actor import SYSTEM, Actor, Role
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.http.app import WebApp, create_app
from caddy_shopping.platform.http.health import Health
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.contexts.users.world import PASSWORD, World

AUTH, ME, ADMIN = "/api/v1/auth", "/api/v1/users/me", "/api/v1/admin/users"
ADDRESS = {"name": "王伟", "country": "CN", "city": "深圳市", "line1": "科技园路 1 号", "postalCode": "518057"}
WEI = {"email": "wei@example.com", "password": PASSWORD, "name": "Wang Wei"}
Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def app(world: World) -> WebApp:
    async def authenticate(token: str) -> Actor | None:
        session = await world.cases.queries.session(UUID(token))
        if session is None:
            return None
        return Actor(
            Role(session.role), session.user_id, session.session_id, frozenset(session.permissions), session.language
        )

    return create_app(
        [world.module],
        settings=HttpSettings.model_validate({}),
        authenticate=authenticate,
        metrics=Metrics(),
        health=Health(),
    )


@pytest.fixture
def call(app: WebApp) -> Call:
    async def ask(
        method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example") as client:
            return await client.request(method, path, json=body, headers=sent)

    return ask


def token_of(answer: httpx.Response) -> str:
    assert answer.status_code in (200, 201), answer.text
    token: str = answer.json()["data"]["accessToken"]
    return token


async def admin_token(world: World) -> str:
    await world.staff("boss@example.com", Role.ADMIN)
    return (await world.sign_in("boss@example.com")).access_token


async def test_from_guest_to_customer_and_out(call: Call) -> None:
    guest = await call("POST", f"{AUTH}/guest", accept_language="zh-CN,zh;q=0.9")
    assert (guest.status_code, guest.headers["cache-control"], guest.headers["location"]) == (201, "no-store", ME)
    assert guest.json()["data"]["user"] | {"id": "", "createdAt": ""} == {
        "id": "",
        "role": "guest",
        "language": "zh",
        "email": None,
        "emailConfirmed": False,
        "name": None,
        "phone": None,
        "permissions": [],
        "disabled": False,
        "createdAt": "",
        "version": 1,
    }
    registered = await call("POST", f"{AUTH}/register", WEI, token=token_of(guest), accept_language="zh")
    assert registered.status_code == 201
    data = registered.json()["data"]
    assert (data["tokenType"], data["expiresIn"], data["refreshExpiresIn"]) == ("Bearer", 900, 2_592_000)
    assert data["user"]["id"] == guest.json()["data"]["user"]["id"]
    assert (await call("GET", ME, token=token_of(guest))).status_code == 401
    refreshed = await call("POST", f"{AUTH}/refresh", {"refreshToken": data["refreshToken"]}, token="expired")
    assert refreshed.headers["cache-control"] == "no-store"
    assert (await call("POST", f"{AUTH}/logout", token=token_of(refreshed))).status_code == 204
    assert (await call("GET", ME, token=token_of(refreshed))).status_code == 401
    signed_in = await call("POST", f"{AUTH}/login", {"email": "WEI@example.com", "password": PASSWORD})
    assert (await call("POST", f"{AUTH}/logout-everywhere", token=token_of(signed_in))).status_code == 204
    assert (await call("GET", ME, token=token_of(signed_in))).status_code == 401


async def test_a_said_language_goes_before_the_requests(call: Call) -> None:
    answer = await call("POST", f"{AUTH}/register", {**WEI, "language": "en"}, accept_language="zh")
    assert answer.json()["data"]["user"]["language"] == "en"


async def test_refusals_have_their_codes(world: World, call: Call) -> None:
    await world.register()
    refused = await call("POST", f"{AUTH}/login", {"email": "wei@example.com", "password": "wrong"})
    assert (refused.status_code, refused.json()["code"]) == (401, "BAD_CREDENTIALS")
    taken = await call("POST", f"{AUTH}/register", WEI, accept_language="zh")
    assert (taken.status_code, taken.json()["code"]) == (409, "EMAIL_TAKEN")
    assert "已注册" in taken.json()["message"]
    unknown = await call("POST", f"{AUTH}/refresh", {"refreshToken": "unknown"})
    assert (unknown.status_code, unknown.json()["code"]) == (401, "REFRESH_TOKEN_INVALID")
    extra = await call("POST", f"{AUTH}/register", {**WEI, "role": "admin"})
    assert (extra.status_code, extra.json()["code"]) == (400, "VALIDATION_FAILED")
    assert extra.json()["errors"][0]["pointer"] == "/role"
    assert await world.count("users") == 1


async def test_too_many_tries_are_told_when_to_come_back(world: World, call: Call) -> None:
    for _ in range(10):
        await call("POST", f"{AUTH}/login", {"email": "nobody@example.com", "password": "wrong"})
    refused = await call("POST", f"{AUTH}/login", {"email": "nobody@example.com", "password": "wrong"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "300")
    assert len(world.hasher.verified) == 10


async def test_a_guest_signs_in_and_brings_their_things(world: World, call: Call) -> None:
    user = (await world.register()).user
    guest = await call("POST", f"{AUTH}/guest")
    await call("POST", f"{AUTH}/login", {"email": "wei@example.com", "password": PASSWORD}, token=token_of(guest))
    guest_id = guest.json()["data"]["user"]["id"]
    assert await world.events("GuestSignedIn") == [{"userId": str(user.id), "guestId": guest_id}]


async def test_a_guest_who_signed_in_is_no_guest_any_more_but_may_ask_again(world: World, call: Call) -> None:
    """Whoever lost the answer still sends the guest's token: it does not count, and does not lock them out."""
    await world.register()
    body = {"email": "wei@example.com", "password": PASSWORD}
    guest = await call("POST", f"{AUTH}/guest")
    bystander = token_of(await call("POST", f"{AUTH}/guest"))
    wrong = await call("POST", f"{AUTH}/login", body | {"password": "wrong"}, token=token_of(guest))
    assert wrong.status_code == 401
    assert (await call("GET", ME, token=token_of(guest))).status_code == 200
    assert (await call("POST", f"{AUTH}/login", body, token=token_of(guest))).status_code == 200
    assert (await call("GET", ME, token=token_of(guest))).status_code == 401
    old = {"refreshToken": guest.json()["data"]["refreshToken"]}
    assert (await call("POST", f"{AUTH}/refresh", old)).json()["code"] == "REFRESH_TOKEN_INVALID"
    assert (await call("GET", ME, token=bystander)).status_code == 200
    again = await call("POST", f"{AUTH}/login", body, token=token_of(guest))
    assert (await call("GET", ME, token=token_of(again))).json()["data"]["role"] == "customer"
    assert len(await world.events("GuestSignedIn")) == 1
    other = {**WEI, "email": "other@example.com"}
    assert (await call("POST", f"{AUTH}/register", other, token=token_of(guest))).status_code == 201


async def test_forgot_answers_everybody_alike(world: World, call: Call) -> None:
    await world.register()
    known = await call("POST", f"{AUTH}/password/forgot", {"email": "wei@example.com"})
    unknown = await call("POST", f"{AUTH}/password/forgot", {"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 202
    assert known.content == unknown.content
    assert set(known.headers) == set(unknown.headers)
    body = {"token": await world.mailed("PasswordResetRequested"), "password": "a brand new password"}
    assert (await call("POST", f"{AUTH}/password/reset", body)).status_code == 204
    assert (await call("POST", f"{AUTH}/password/reset", body)).json()["code"] == "MAIL_TOKEN_INVALID"


async def test_password_change_and_confirmation(world: World, call: Call) -> None:
    token = (await world.register()).access_token
    assert (await call("POST", f"{AUTH}/email/resend", token=token)).status_code == 202
    body = {"token": await world.mailed("EmailConfirmationRequested")}
    assert (await call("POST", f"{AUTH}/email/confirm", body)).status_code == 204
    assert (await call("GET", ME, token=token)).json()["data"]["emailConfirmed"]
    wrong = {"currentPassword": "wrong", "newPassword": "a brand new password"}
    assert (await call("POST", f"{AUTH}/password/change", wrong, token=token)).json()[
        "code"
    ] == "CURRENT_PASSWORD_WRONG"
    right = {**wrong, "currentPassword": PASSWORD}
    assert (await call("POST", f"{AUTH}/password/change", right, token=token)).status_code == 204


async def test_profile(world: World, call: Call) -> None:
    token = (await world.register()).access_token
    shown = await call("GET", ME, token=token)
    assert shown.headers["etag"] == f'"{shown.json()["data"]["version"]}"'
    assert "private" in shown.headers["cache-control"]
    assert (await call("GET", ME, token=token, if_none_match=shown.headers["etag"])).status_code == 304
    changed = await call("PATCH", ME, {"name": "Li Lei", "phone": "+86 1"}, token=token)
    assert (changed.status_code, changed.json()["data"]["name"]) == (200, "Li Lei")
    assert (await call("PATCH", ME, {"phone": None}, token=token)).json()["data"]["phone"] is None
    assert (await call("PATCH", ME, {"name": None}, token=token)).status_code == 400
    assert (await call("PATCH", ME, {"email": "x@example.com"}, token=token)).status_code == 400
    assert (await call("PATCH", ME, {"language": "fr"}, token=token)).status_code == 400
    assert (await call("GET", ME, token=token)).json()["data"]["name"] == "Li Lei"


async def test_addresses(world: World, call: Call) -> None:
    token, book = (await world.guest()).access_token, f"{ME}/addresses"
    added = await call("POST", book, ADDRESS, token=token)
    view = added.json()["data"]
    assert (added.status_code, added.headers["location"]) == (201, f"{book}/{view['id']}")
    assert view["isDefault"]
    one = f"{book}/{view['id']}"
    assert (await call("GET", one, token=token)).json()["data"] == view
    listed = (await call("GET", f"{book}?total=true", token=token)).json()
    assert listed["data"] == [view]
    assert listed["page"] == {"limit": 20, "nextCursor": None, "hasMore": False, "total": 1}
    changed = await call("PUT", one, {**ADDRESS, "city": "上海市"}, token=token)
    assert changed.json()["data"]["city"] == "上海市"
    assert (await call("PUT", one, {**ADDRESS, "country": "China"}, token=token)).status_code == 400
    other = (await world.guest()).access_token
    assert (await call("DELETE", one, token=other)).json()["code"] == "ADDRESS_NOT_FOUND"
    assert (await call("DELETE", one, token=token)).status_code == 204
    assert (await call("GET", one, token=token)).status_code == 404


async def test_staff_is_managed(world: World, call: Call) -> None:
    token = await admin_token(world)
    created = await call(
        "POST",
        ADMIN,
        {"email": "new@example.com", "name": "New", "role": "staff", "permissions": ["orders:manage"]},
        token=token,
    )
    view = created.json()["data"]
    assert (created.status_code, created.headers["location"]) == (201, f"{ADMIN}/{view['id']}")
    one = f"{ADMIN}/{view['id']}"
    shown = await call("GET", one, token=token)
    assert shown.headers["etag"] == created.headers["etag"]
    grant = {"role": "staff", "permissions": ["products:manage"]}
    changed = await call("PUT", f"{one}/role", grant, token=token, if_match=shown.headers["etag"])
    assert changed.json()["data"]["permissions"] == ["products:manage"]
    disabled = await call("POST", f"{one}/disable", token=token, if_match=changed.headers["etag"])
    assert (disabled.status_code, disabled.json()["data"]["disabled"]) == (200, True)
    enabled = await call("POST", f"{one}/enable", token=token, if_match=disabled.headers["etag"])
    assert not enabled.json()["data"]["disabled"]


async def test_an_account_is_changed_on_the_copy_that_was_seen(world: World, call: Call) -> None:
    token, user = await admin_token(world), (await world.register()).user
    one, grant = f"{ADMIN}/{user.id}", {"role": "staff", "permissions": []}
    before = await world.trace()
    for method, path, body in (
        ("PUT", f"{one}/role", grant),
        ("POST", f"{one}/disable", None),
        ("POST", f"{one}/enable", None),
    ):
        assert (await call(method, path, body, token=token)).status_code == 428
        assert (await call(method, path, body, token=token, if_match='"1"')).status_code == 412
    assert await world.trace() == before


async def test_a_disabled_users_next_request_is_refused(world: World, call: Call) -> None:
    token, session = await admin_token(world), await world.register()
    assert (await call("GET", ME, token=session.access_token)).status_code == 200
    await call("POST", f"{ADMIN}/{session.user.id}/disable", token=token, if_match=f'"{session.user.version}"')
    assert (await call("GET", ME, token=session.access_token)).status_code == 401
    answer = await call("POST", f"{AUTH}/login", {"email": "wei@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "ACCOUNT_DISABLED")


async def test_the_list_of_accounts(world: World, call: Call) -> None:
    token = await admin_token(world)
    for n in range(3):
        await world.register(f"user{n}@example.com")
    first = (await call("GET", f"{ADMIN}?role=customer&limit=2&total=true", token=token)).json()
    assert [each["email"] for each in first["data"]] == ["user2@example.com", "user1@example.com"]
    assert (first["page"]["total"], first["page"]["hasMore"]) == (3, True)
    cursor = first["page"]["nextCursor"]
    rest = (await call("GET", f"{ADMIN}?role=customer&limit=2&cursor={cursor}", token=token)).json()
    assert [each["email"] for each in rest["data"]] == ["user0@example.com"]
    found = (await call("GET", f"{ADMIN}?q=USER1&disabled=false", token=token)).json()
    assert [each["email"] for each in found["data"]] == ["user1@example.com"]
    assert (await call("GET", f"{ADMIN}?role=king", token=token)).status_code == 400


async def test_strangers_and_customers_see_no_accounts(world: World, call: Call) -> None:
    session = await world.register()
    other = (await world.register("li@example.com")).user
    before = await world.trace()
    for method, path, body in (
        ("GET", ADMIN, None),
        ("GET", f"{ADMIN}/{other.id}", None),
        ("POST", ADMIN, {"email": "new@example.com", "name": "New", "role": "staff"}),
        ("PUT", f"{ADMIN}/{other.id}/role", {"role": "admin"}),
        ("POST", f"{ADMIN}/{other.id}/disable", None),
        ("POST", f"{ADMIN}/{other.id}/enable", None),
    ):
        match = f'"{other.version}"'
        refused = await call(method, path, body, token=session.access_token, if_match=match)
        assert (refused.status_code, refused.json()["code"]) == (403, "PERMISSION_MISSING"), path
        assert (await call(method, path, body, if_match=match)).status_code == 401, path
    assert await world.trace() == before
    grant = ChangeRole(actor=SYSTEM, user_id=session.user.id, role=Role.STAFF, permissions=["users:manage"])
    await world.run(world.cases.change_role, grant)
    assert (await call("GET", ADMIN, token=session.access_token)).status_code == 200
    assert (await call("GET", f"{ADMIN}/{new_id()}", token=session.access_token)).json()["code"] == "USER_NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{AUTH}/logout"),
        ("POST", f"{AUTH}/logout-everywhere"),
        ("POST", f"{AUTH}/password/change"),
        ("POST", f"{AUTH}/email/resend"),
        ("GET", ME),
        ("PATCH", ME),
        ("GET", f"{ME}/addresses"),
        ("POST", f"{ME}/addresses"),
    ],
)
async def test_what_takes_a_sign_in(call: Call, method: str, path: str) -> None:
    answer = await call(method, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")


def test_the_document_names_every_operation(app: WebApp) -> None:
    paths = app.openapi()["paths"]
    mine = {path: operations for path, operations in paths.items() if path.startswith((AUTH, ME, ADMIN))}
    assert len(mine) == 11 + 3 + 5
    for operations in mine.values():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]
    assert mine[f"{AUTH}/login"]["post"]["summary"] == "Sign in"


def test_a_caller_without_an_address_is_one_caller() -> None:
    class Nowhere:
        client = None

    assert address_of(Nowhere()) == "unknown"  # type: ignore[arg-type]
