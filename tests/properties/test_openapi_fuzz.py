"""schemathesis over the whole document, against a running shop: no 5xx, no answer that the document doesn't describe.

Each round is `schemathesis run` with `schemathesis.toml` and the hooks of `fuzzing.py`: examples of the document,
every boundary of every schema, random requests, and chains of requests that feed on each other's answers.
`SHOP_FUZZ_EXAMPLES=500` asks so many random requests of each operation (and takes accordingly long).
"""

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caddy_shopping.platform.security.secrets import InstallationSecret
from caddy_shopping.platform.security.signatures import WebhookSecrets
from tests.properties.conftest import NewCaller
from tests.support.furnished import running_shop
from tests.support.journey import order_becomes, order_of, pay, put_in, stock_up
from tests.support.shop import ADDRESS, Caller, Shop, eventually

CONFIG = Path(__file__).parent / "schemathesis.toml"
EXAMPLES = os.environ.get("SHOP_FUZZ_EXAMPLES", "")
METHODS = ("sandbox_ok", "sandbox_ok", "sandbox_declined")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running_shop(tmp_path_factory.mktemp("shop"), {"SHOP_TOKEN_MINUTES": "60"}) as running:
        yield running


@dataclass(frozen=True)
class Round:
    """What came of one run: its exit code, what it printed, and the statuses that each operation answered with."""

    code: int
    output: str
    operations: int
    statuses: dict[str, set[int]]

    def answered(self, *statuses: int) -> set[str]:
        """The operations that gave one of these at least once."""
        return {label for label, given in self.statuses.items() if not given.isdisjoint(statuses)}


async def fuzz(
    shop: Shop, who: str, folder: Path, *arguments: str, document: str = "", known: dict[str, list[str]] | None = None
) -> Round:
    """One run as `who`, by the shop's own document unless another is given; the same each time by default."""
    amount = ["--max-examples", EXAMPLES] if EXAMPLES else ["--generation-deterministic", "--max-examples", "3"]
    report = folder / "report.ndjson"
    done = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(CONFIG)),
        *("run", document or f"{shop.url}/api/openapi.json"),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
        *amount,
        *arguments,
        env={
            **os.environ,
            "PYTHONPATH": ".",
            "SHOP_FUZZ_URL": shop.url,
            "SHOP_FUZZ_AS": who,
            "SHOP_FUZZ_KNOWN": json.dumps(known or {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await done.communicate()
    events = [json.loads(line) for line in report.read_text().splitlines()]
    loaded = next(event["LoadingFinished"] for event in events if "LoadingFinished" in event)
    return Round(
        done.returncode or 0, output.decode(), loaded["statistic"]["operations"]["selected"], _statuses(events)
    )


def _statuses(events: list[dict[str, Any]]) -> dict[str, set[int]]:
    found = defaultdict(set)
    for event in events:
        recorder = event.get("ScenarioFinished", {}).get("recorder", {})
        for number, interaction in recorder.get("interactions", {}).items():
            if interaction["response"] is not None:
                case = recorder["cases"][number]["value"]
                found[f"{case['method']} {case['path']}"].add(interaction["response"]["status_code"])
    return found


PASSWORD = "correct horse battery"


async def a_life(admin: Caller, person: Caller) -> dict[str, list[str]]:
    """Let `person` have one of everything, in every state; its ids by the names that the document uses."""
    goods = await stock_up(admin, "Teapot", stock=100_000)
    category = await admin.post("/admin/products/categories", {"name": f"Pots {uuid4().hex}"})
    address = await person.post("/users/me/addresses", ADDRESS)
    orders = [await order_of(person, goods, 2) for _ in range(4)]
    payments = [await pay(person, order, method) for order, method in zip(orders, METHODS, strict=False)]
    for order in orders[:2]:
        await order_becomes(person, order, "PAID")
    paid = await admin.get(f"/admin/orders/{orders[1]['id']}")
    ship = {"carrier": "SF", "trackingNumber": "1"}
    assert (
        await admin.post(f"/admin/orders/{paid.data['id']}/ship", ship, if_match=paid.data["version"])
    ).status == 200
    cart = await put_in(person, goods)
    stranger = await admin.post(
        "/admin/users", {"email": f"{uuid4().hex}@shop.example", "name": "Kim", "role": "staff"}
    )
    notices = await eventually(lambda: _listed(person, "/notifications"))
    mails = await eventually(lambda: _listed(admin, "/admin/notifications/emails"))
    ids = [order["id"] for order in orders]
    known = {
        "product": [goods.product_id],
        "variant": [goods.variant_id],
        "category": [category.data["id"]],
        "address": [address.data["id"]],
        "order": ids,
        "line": [line["id"] for order in orders for line in order["lines"]],
        "payment": [payment["id"] for payment in payments],
        "item": [item["id"] for item in cart["items"]],
        "user": [stranger.data["id"]],
        "notification": notices,
        "email": mails,
    }
    named = {f"{name}{ending}": found for name, found in known.items() for ending in ("_id", "Id")}
    return {**named, "reference": ids, "slug": [goods.slug], "provider": ["sandbox"], "method": ["sandbox_ok"]}


async def _listed(caller: Caller, path: str) -> list[str]:
    return [row["id"] for row in (await caller.get(path)).data]


async def _somebody(shop: Shop, new: NewCaller, who: str) -> tuple[str, dict[str, list[str]]]:
    """How `who` signs in, and what they have."""
    assert shop.admin is not None
    admin = await new().sign_in(*shop.admin)
    if who == "anonymous":
        return who, {"slug": ["pots"], "provider": ["sandbox"]}
    if who == "admin":
        return " ".join(shop.admin), await a_life(admin, admin)
    person = await new().register(f"{uuid4().hex}@shop.example", PASSWORD)
    return f"{person.email} {PASSWORD}", await a_life(admin, person)


@pytest.mark.parametrize("who", ["admin", "customer", "anonymous"])
async def test_every_answer_is_one_that_the_document_describes(
    shop: Shop, new: NewCaller, tmp_path: Path, who: str
) -> None:
    sign_in, known = await _somebody(shop, new, who)
    # What a boundary does to a handler is the same whoever asks, so that phase, the longest, is the admin's.
    phases = "examples,coverage,fuzzing,stateful" if EXAMPLES or who == "admin" else "examples,fuzzing,stateful"
    result = await fuzz(shop, sign_in, tmp_path, "--phases", phases, known=known)
    assert result.code == 0, result.output
    described = (await new().get("api/openapi.json")).json["paths"]
    everything = {f"{method.upper()} {path}" for path, item in described.items() for method in item}
    assert result.operations == len(everything)
    assert everything <= result.statuses.keys(), "not asked at all"
    _got_as_far_as_such_a_person_gets(who, result, everything)
    assert '"level":"error"' not in shop.output, shop.output[-5000:]


def _got_as_far_as_such_a_person_gets(who: str, result: Round, everything: set[str]) -> None:
    """The rounds were no row of 401s and 404s."""
    staff = {label for label in everything if "/api/v1/admin/" in label}
    done = result.answered(200, 201, 202, 204) & everything
    if who == "anonymous":
        assert not done & staff
        assert staff <= result.answered(401)
        assert {"POST /api/v1/auth/guest", "GET /api/v1/products", "GET /api/health"} <= done
    elif who == "customer":
        assert not done & staff
        assert staff <= result.answered(403)
        assert len(done) > 25, sorted(everything - staff - done)
    else:
        # Out of reach are a handful: what takes a signature, the token of a mail, or a mail that failed.
        assert len(everything - done) < 16, sorted(everything - done)


def with_lies(document: Any) -> list[str]:
    """Make the document say four things that are not so; what is to be said of each."""
    paths, components = document["paths"], document["components"]
    del paths["/api/v1/products/{slug}"]["get"]["responses"]["404"]
    components["schemas"]["UnreadCount"]["properties"]["unread"]["type"] = "string"
    limit = paths["/api/v1/users/me/addresses"]["get"]["parameters"][0]
    assert limit["name"] == "limit"
    limit["schema"]["maximum"] = 200
    of_health = paths["/api/health"]["get"]["responses"]["200"]["headers"]
    of_health["X-Request-Id"] = {"required": True, "schema": {"type": "integer"}}
    return [
        "Undocumented status code",
        "Response violates schema",
        "allowed by the document, refused by the shop: VALIDATION_FAILED",
        "Response header does not conform to the schema",
    ]


@pytest.mark.parametrize("lying", [True, False])
async def test_a_document_that_lies_is_found_out(shop: Shop, new: NewCaller, tmp_path: Path, lying: bool) -> None:
    document = (await new().get("api/openapi.json")).json
    expected = with_lies(document) if lying else ["Tested: 4"]
    path = tmp_path / "document.json"
    path.write_text(json.dumps(document))
    sign_in, _ = await _somebody(shop, new, "customer")
    operations = ["getProductsBySlug", "getNotificationsUnreadCount", "getUsersMeAddresses", "getHealth"]
    arguments = [word for name in operations for word in ("--include-operation-id", name)]
    result = await fuzz(
        shop, sign_in, tmp_path, "--url", shop.url, "--phases", "coverage", *arguments, document=str(path)
    )
    assert [said for said in expected if said not in result.output] == [], result.output
    assert result.code == (1 if lying else 0)


Odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TYPES = ["payment.succeeded", "payment.declined", "payment.authorized", "refund.succeeded", "order.unheard-of"]
Events = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(TYPES) | Odd,
        "timestamp": st.just("2026-03-14T09:26:53Z") | Odd,
        "data": st.fixed_dictionaries(
            {},
            optional={
                "paymentId": st.uuids().map(str) | Odd,
                "refundId": st.uuids().map(str) | Odd,
                "reference": st.text() | Odd,
                "reason": st.text() | Odd,
                "amount": st.fixed_dictionaries({"amount": st.integers(), "currency": st.just("CNY")}) | Odd,
            },
        )
        | Odd,
    },
)


@settings(max_examples=int(EXAMPLES or 60), derandomize=not EXAMPLES, database=None, deadline=None)
@given(body=Events.map(lambda event: json.dumps(event).encode()) | st.binary(), number=st.integers(0, 40))
def test_a_provider_that_signs_nonsense_is_told_so(signed: Any, body: bytes, number: int) -> None:
    """Behind the signature, where anonymous fuzzing never gets."""
    status, code = signed(f"evt_{number}", body)
    assert (status, code) in {(200, None), (422, "WEBHOOK_MALFORMED")}


@pytest.fixture(scope="module")
def signed(shop: Shop) -> Any:
    """`signed(id, body)` sends a webhook with the sandbox's own signature: status, and the code of a refusal."""
    secret = InstallationSecret.load_or_create(shop.data_dir).derive("sandbox-webhooks")

    def send(message_id: str, body: bytes) -> tuple[int, str | None]:
        headers = WebhookSecrets([secret]).sign(message_id, body, datetime.now(UTC))
        request = urllib.request.Request(f"{shop.url}/api/v1/payments/webhooks/sandbox", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, None
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)["code"]

    return send
