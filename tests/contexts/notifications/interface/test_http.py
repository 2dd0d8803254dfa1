from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from caddy_shopping.contexts.notifications.domain.email import EmailStatus
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.http.app import create_app
from caddy_shopping.platform.http.health import Health
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.contexts.notifications.support import Office, customer, paid, staff

SOME_ID = "01a20371-71a4-7472-be9e-04f8c046b16b"
PATH = "/api/v1/notifications"
EMAILS = "/api/v1/admin/notifications/emails"


@dataclass
class Web:
    """Calls the routes; `web.of(actor)` is a client that is signed in."""

    transport: httpx.ASGITransport
    document: Callable[[], dict[str, Any]]
    actors: dict[str, Actor] = field(default_factory=dict)

    def of(self, actor: Actor | None, **headers: str) -> httpx.AsyncClient:
        if actor is not None:
            token = str(new_id())
            self.actors[token] = actor
            headers["Authorization"] = f"Bearer {token}"
        return httpx.AsyncClient(transport=self.transport, base_url="http://shop.example", headers=headers)


@pytest.fixture
def web(office: Office) -> Web:
    actors: dict[str, Actor] = {}

    async def authenticate(token: str) -> Actor | None:
        return actors.get(token)

    app = create_app(
        [office.module],
        settings=HttpSettings.model_validate({}),
        authenticate=authenticate,
        metrics=Metrics(),
        health=Health(),
    )
    return Web(httpx.ASGITransport(app), app.openapi, actors)


async def test_read_count_and_mark(office: Office, web: Web) -> None:
    actor = customer()
    for _ in range(3):
        await office.hear(paid(user_id=actor.id))
    me = web.of(actor, **{"Accept-Language": "zh-CN"})
    page = (await me.get(PATH, params={"limit": 2, "total": "true"})).json()
    assert page["page"]["total"] == 3
    assert page["page"]["hasMore"]
    first = page["data"][0]
    assert (first["kind"], first["title"], first["readAt"]) == ("order_paid", "订单 2603-0007-KX 已付款", None)
    assert (await me.get(f"{PATH}/unread-count")).json() == {"data": {"unread": 3}}
    marked = await me.post(f"{PATH}/{first['id']}/read")
    assert (marked.status_code, marked.json()["data"]["readAt"] is None) == (200, False)
    rest = (await me.get(PATH, params={"unread": "true"})).json()["data"]
    assert first["id"] not in [each["id"] for each in rest]
    assert (await me.post(f"{PATH}/read-all")).json() == {"data": {"marked": 2}}
    assert (await me.get(PATH, params={"unread": "true"})).json()["data"] == []


async def test_other_peoples_notifications_are_not_found(office: Office, web: Web) -> None:
    owner = customer()
    await office.hear(paid(user_id=owner.id))
    (row,) = await office.rows("notifications")
    answer = await web.of(customer()).post(f"{PATH}/{row.id}/read")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOTIFICATION_NOT_FOUND")
    assert (await web.of(owner).get(f"{PATH}/unread-count")).json() == {"data": {"unread": 1}}
    assert (await web.of(owner).post(f"{PATH}/{row.id}/read")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PATH),
        ("GET", f"{PATH}/unread-count"),
        ("POST", f"{PATH}/read-all"),
        ("POST", f"{PATH}/{SOME_ID}/read"),
        ("GET", f"{PATH}/preferences"),
        ("PUT", f"{PATH}/preferences"),
        ("GET", EMAILS),
        ("POST", f"{EMAILS}/{SOME_ID}/retry"),
    ],
)
async def test_who_is_not_signed_in_gets_nothing(web: Web, method: str, path: str) -> None:
    assert (await web.of(None).request(method, path)).status_code == 401


async def test_preferences(office: Office, web: Web) -> None:
    me = web.of(customer())
    shown = (await me.get(f"{PATH}/preferences")).json()["data"]
    assert shown == {"email": dict.fromkeys(MailKind, True), "always": ["confirm_address", "reset_password"]}
    # What was read can be sent back.
    chosen = {"email": {**shown["email"], "order_paid": False}}
    assert (await me.put(f"{PATH}/preferences", json=chosen)).json()["data"]["email"] == chosen["email"]
    assert (await me.get(f"{PATH}/preferences")).json()["data"]["email"] == chosen["email"]
    refused = await me.put(f"{PATH}/preferences", json={"email": {"reset_password": False}})
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "SECURITY_MAIL_REQUIRED")
    assert problem["errors"][0]["pointer"] == "/email/reset_password"
    wrongs: tuple[dict[str, Any], ...] = ({"email": {"lottery": True}}, {"email": {"welcome": "no"}}, {"mail": {}}, {})
    for wrong in wrongs:
        assert (await me.put(f"{PATH}/preferences", json=wrong)).status_code == 400
    assert (await me.get(f"{PATH}/preferences")).json()["data"]["email"] == chosen["email"]


async def test_staff_list_and_retry_mails(office: Office, web: Web) -> None:
    for address in ("nobody", "ada@example.com"):
        await office.hear(paid(email=address))
    await office.mailer.send_all_due()
    clerk = web.of(staff())
    (failed,) = (await clerk.get(EMAILS, params={"status": "FAILED"})).json()["data"]
    assert (failed["address"], failed["kind"], failed["lastError"]) == ("nobody", "order_paid", "not an e-mail address")
    assert "data" not in failed
    (sent,) = (await clerk.get(EMAILS, params={"address": "ada@example.com"})).json()["data"]
    assert (await clerk.get(EMAILS, params={"status": "LOST"})).status_code == 400
    retried = await clerk.post(f"{EMAILS}/{failed['id']}/retry")
    assert (retried.status_code, retried.json()["data"]["status"]) == (200, "QUEUED")
    again = await clerk.post(f"{EMAILS}/{sent['id']}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "EMAIL_NOT_RETRYABLE")
    assert (await clerk.post(f"{EMAILS}/{new_id()}/retry")).status_code == 404


async def test_customers_may_not_see_or_retry_mails(office: Office, web: Web) -> None:
    await office.hear(paid(email="nobody"))
    await office.mailer.send_all_due()
    (row,) = await office.rows("emails")
    me = web.of(customer())
    assert (await me.get(EMAILS)).status_code == 403
    assert (await me.post(f"{EMAILS}/{row.id}/retry")).status_code == 403
    assert [each.status for each in await office.rows("emails")] == [EmailStatus.FAILED]


async def test_every_operation_is_documented(web: Web) -> None:
    paths = {path: methods for path, methods in web.document()["paths"].items() if "notifications" in path}
    assert set(paths) == {
        PATH,
        f"{PATH}/unread-count",
        f"{PATH}/{{notification_id}}/read",
        f"{PATH}/read-all",
        f"{PATH}/preferences",
        EMAILS,
        f"{EMAILS}/{{email_id}}/retry",
    }
    for methods in paths.values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["tags"]
