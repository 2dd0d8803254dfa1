"""Payments over HTTP: the whole application around the context, without a network."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from pydantic import SecretStr

from caddy_shopping.contexts.payments.domain.errors import ProviderUnknown
from caddy_shopping.contexts.payments.module import build, platform_tables, schema
from caddy_shopping.contexts.payments.settings import PaymentsSettings
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.events.consumer import Consumer
from caddy_shopping.platform.http.app import create_app
from caddy_shopping.platform.http.health import Health
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.module import Module
from caddy_shopping.platform.security.signatures import WebhookSecrets
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.contexts.payments.receiver import Receiver, listening, until
from tests.contexts.payments.world import OLD_SECRET, SECRET, World, a_clerk, a_customer, make_world

PAYMENTS = "/api/v1/payments"
ADMIN = "/api/v1/admin/payments"


class Site:
    """The built module behind the real application; `receiver` gets what the sandbox sends."""

    def __init__(self, world: World, module: Module, http: httpx.AsyncClient, receiver: Receiver) -> None:
        self.world, self.module, self.http, self.receiver = world, module, http, receiver
        self.actors: dict[str, Actor] = {}

    async def authenticate(self, token: str) -> Actor | None:
        return self.actors.get(token)

    def as_(self, actor: Actor, **headers: str) -> dict[str, str]:
        token = str(actor.id)
        self.actors[token] = actor
        return {"authorization": f"Bearer {token}", **headers}

    async def pay(self, actor: Actor, order_id: UUID, method: str = "sandbox_ok", key: str = "k1") -> httpx.Response:
        return await self.http.post(
            PAYMENTS,
            json={"orderId": str(order_id), "method": method},
            headers=self.as_(actor, **{"idempotency-key": key}),
        )

    async def forward(self) -> list[httpx.Response]:
        """Hand what the receiver got on to the webhook route."""
        got, self.receiver.got = self.receiver.got, []
        return [
            await self.http.post(f"{PAYMENTS}/webhooks/sandbox", content=body, headers=_signed(headers))
            for headers, body in got
        ]


def _signed(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith(("webhook-", "content-type"))}


@pytest.fixture
async def site(make_bench: Callable[..., Awaitable[Any]]) -> AsyncIterator[Site]:
    bench = await make_bench("payments", schema.metadata, platform_tables)
    old = "whsec_" + base64.b64encode(OLD_SECRET).decode()
    settings = PaymentsSettings(sandbox_poll_seconds=0.05, webhook_previous_secrets=[SecretStr(old)])
    world = make_world(bench, settings)
    async with listening(Receiver()) as receiver:
        module = build(bench.kit, settings, world.orders, lambda: receiver.url, SECRET)
        site = Site(world, module, httpx.AsyncClient(), receiver)
        app = create_app(
            [module],
            settings=HttpSettings(rate_limits=False, access_log="off"),
            authenticate=site.authenticate,
            metrics=Metrics(),
            health=Health(),
        )
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as http:
            site.http = http
            for start in module.start:
                await start()
            yield site
            for stop in module.stop:
                await stop()


async def test_a_payment_from_the_first_request_to_the_webhook(site: Site) -> None:
    buyer = a_customer()
    order = site.world.an_order(buyer)
    made = await site.pay(buyer, order.id)
    assert made.status_code == 201, made.text
    view = made.json()["data"]
    assert made.headers["location"] == f"{PAYMENTS}/{view['id']}"
    assert (view["status"], view["amount"]) == ("PENDING", {"amount": 9999, "currency": "CNY"})
    again = await site.pay(buyer, order.id)
    assert again.content == made.content
    assert again.headers["idempotency-replayed"] == "true"
    await until(lambda: len(site.receiver.got) == 1)
    [answer] = await site.forward()
    assert answer.status_code == 200
    assert answer.json()["data"]["duplicate"] is False
    shown = await site.http.get(made.headers["location"], headers=site.as_(buyer))
    assert shown.json()["data"]["status"] == "SUCCEEDED"
    assert shown.headers["etag"] == f'"{shown.json()["data"]["version"]}"'
    listed = await site.http.get(PAYMENTS, params={"orderId": str(order.id)}, headers=site.as_(buyer))
    assert [row["id"] for row in listed.json()["data"]] == [view["id"]]
    assert await site.world.event_names() == ["PaymentSucceeded"]


async def test_what_the_buyer_can_get_wrong_is_named(site: Site) -> None:
    buyer = a_customer()
    order = site.world.an_order(buyer)
    unknown = await site.pay(buyer, order.id, "gold", "k1")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "PAYMENT_METHOD_UNKNOWN")
    theirs = await site.pay(a_customer(), order.id, key="k2")
    assert (theirs.status_code, theirs.json()["code"]) == (404, "ORDER_NOT_FOUND")
    site.world.orders.change(order.id, status="PAID")
    paid = await site.pay(buyer, order.id, key="k3")
    assert (paid.status_code, paid.json()["code"]) == (409, "ORDER_NOT_PAYABLE")
    body = {"orderId": str(order.id), "method": "sandbox_ok"}
    without_key = await site.http.post(PAYMENTS, json=body, headers=site.as_(buyer))
    assert (without_key.status_code, without_key.json()["code"]) == (400, "IDEMPOTENCY_KEY_MISSING")
    extra = await site.http.post(
        PAYMENTS, json={**body, "amount": 1}, headers=site.as_(buyer, **{"idempotency-key": "k4"})
    )
    assert extra.status_code == 400
    nobody = await site.http.post(PAYMENTS, json=body, headers={"idempotency-key": "k5"})
    assert nobody.status_code == 401
    assert await site.world.count("payments") == 0


async def test_a_forged_webhook_is_turned_away_and_leaves_nothing(site: Site) -> None:
    buyer = a_customer()
    await site.pay(buyer, site.world.an_order(buyer).id)
    await until(lambda: len(site.receiver.got) == 1)
    [(headers, body)] = site.receiver.got
    route = f"{PAYMENTS}/webhooks/sandbox"
    forged = await site.http.post(route, content=body + b" ", headers=_signed(headers))
    assert (forged.status_code, forged.json()["code"]) == (401, "WEBHOOK_SIGNATURE_INVALID")
    unsigned = await site.http.post(route, content=body)
    assert unsigned.status_code == 401
    large = await site.http.post(route, content=b"x" * (64 * 1024 + 1), headers=_signed(headers))
    assert (large.status_code, large.json()["code"]) == (413, "BODY_TOO_LARGE")
    gold = await site.http.post(f"{PAYMENTS}/webhooks/gold", content=body, headers=_signed(headers))
    assert (gold.status_code, gold.json()["code"]) == (404, "PAYMENT_PROVIDER_UNKNOWN")
    assert await site.world.count("payment_webhooks") == 0
    assert await site.world.event_names() == []
    # Negative control: untouched, it is taken; and then known.
    for duplicate in (False, True):
        honest = await site.http.post(route, content=body, headers=_signed(headers))
        assert (honest.status_code, honest.json()["data"]["duplicate"]) == (200, duplicate)


async def test_a_sender_with_the_old_secret_is_believed_while_secrets_are_exchanged(site: Site) -> None:
    body = b'{"type":"x","timestamp":"2026-03-14T00:00:00Z","data":' + msgspec.json.encode(
        {"paymentId": new_id(), "reference": "r", "amount": {"amount": 1, "currency": "CNY"}}
    )
    body += b"}"
    for secret, status in ((OLD_SECRET, 200), (SECRET, 200), (b"n" * 32, 401)):
        headers = WebhookSecrets([secret]).sign(f"msg_{secret[:1].hex()}", body, site.world.bench.clock.now())
        answer = await site.http.post(f"{PAYMENTS}/webhooks/sandbox", content=body, headers=headers)
        assert answer.status_code == status, answer.text


async def test_twenty_identical_webhooks_over_http(site: Site) -> None:
    buyer = a_customer()
    await site.pay(buyer, site.world.an_order(buyer).id)
    await until(lambda: len(site.receiver.got) == 1)
    site.receiver.got *= 20
    got, site.receiver.got = site.receiver.got, []
    answers = await asyncio.gather(
        *(
            site.http.post(f"{PAYMENTS}/webhooks/sandbox", content=body, headers=_signed(headers))
            for headers, body in got
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json()["data"]["duplicate"] for answer in answers].count(False) == 1
    assert await site.world.event_names() == ["PaymentSucceeded"]


async def test_staff_sees_and_reconciles_and_others_do_not(site: Site) -> None:
    buyer, clerk = a_customer(), a_clerk()
    order = site.world.an_order(buyer)
    made = (await site.pay(buyer, order.id, "sandbox_silent")).json()["data"]
    for method, path in (("GET", ADMIN), ("GET", f"{ADMIN}/{made['id']}"), ("POST", f"{ADMIN}/{made['id']}/reconcile")):
        refused = await site.http.request(method, path, headers=site.as_(buyer))
        assert (refused.status_code, refused.json()["code"]) == (403, "PERMISSION_MISSING")
    listed = await site.http.get(ADMIN, params={"status": "PENDING", "total": "true"}, headers=site.as_(clerk))
    assert listed.json()["page"]["total"] == 1
    assert listed.json()["data"][0]["userId"] == str(buyer.id)
    done = await site.http.post(f"{ADMIN}/{made['id']}/reconcile", headers=site.as_(clerk))
    assert done.status_code == 200
    assert done.json()["data"]["payment"]["status"] == "SUCCEEDED"
    shown = await site.http.get(f"{ADMIN}/{made['id']}", headers=site.as_(clerk))
    assert shown.json() == done.json()
    bad = await site.http.get(ADMIN, params={"status": "RICH"}, headers=site.as_(clerk))
    assert bad.status_code == 400


async def test_a_webhook_whose_processing_fails_is_answered_and_left_to_the_sweep(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = a_customer()
    made = (await site.pay(buyer, site.world.an_order(buyer).id)).json()["data"]
    await until(lambda: len(site.receiver.got) == 1)

    async def broken(*_given: object) -> None:
        raise OSError("out of order")

    monkeypatch.setattr(type(site.module.use_cases.process_webhook), "__call__", broken)
    [answer] = await site.forward()
    assert answer.status_code == 200
    monkeypatch.undo()
    [row] = await site.world.rows(site.world.tables("payment_webhooks"))
    assert (str(row.payment_id), row.processed_at) == (made["id"], None)


def test_what_payments_reacts_to(site: Site) -> None:
    def command(name: str) -> Consumer:
        return next(each for each in site.module.consumers if each.name == name)

    assert {each.name for each in site.module.consumers} == {
        "payments.guest-signed-in",
        "payments.order-cancelled",
        "payments.order-refund-requested",
    }
    assert command("payments.order-cancelled").event.__name__ == "OrderCancelled"


async def test_a_provider_that_is_not_here_stops_the_start(site: Site) -> None:
    kit = site.world.bench.kit
    with pytest.raises(ProviderUnknown, match="gold"):
        build(kit, PaymentsSettings(provider="gold"), site.world.orders, lambda: "", SECRET)
