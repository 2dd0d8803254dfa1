"""What a request costs in SQL, through the whole application: sign-in, idempotency, reservation and all."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update

from caddy_shopping.contexts.products.infrastructure.tables import variants
from caddy_shopping.main.build import build
from caddy_shopping.main.prepare import prepare
from caddy_shopping.main.process import Process
from caddy_shopping.platform.settings import Settings, load
from tests.support.engine import ENGINE
from tests.support.shop import ADDRESS
from tests.support.statements import counted


@pytest.fixture
async def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    """With the demo catalogue, not started: mailer, relays and jobs would say statements of their own."""
    monkeypatch.setenv("SHOP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SHOP_DATABASE_URL", ENGINE.url_of(tmp_path))
    built = build(load(Settings))
    await prepare(built, lambda words: None, demo=True)
    yield built
    await built.stop()


class Till:
    """A caller that counts."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, method: str, path: str, body: Any = None, *, at_most: int | None = None) -> Any:
        headers = {"Idempotency-Key": uuid4().hex}
        with counted() as statements:
            answer = await self._client.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        said = [sql for sql, _ in statements]
        assert said or at_most is None, "nothing was counted"
        assert at_most is None or len(said) <= at_most, "\n".join([str(len(said)), *(sql[:60] for sql in said)])
        return answer.json()["data"]

    async def sign_in_as_guest(self) -> None:
        token = (await self.ask("POST", "/auth/guest"))["accessToken"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    async def register(self, email: str) -> None:
        """A customer, whom the shop has an address of."""
        body = {"email": email, "password": "a long enough password", "name": "Han Meimei"}
        answer = await self.ask("POST", "/auth/register", body)
        self._client.headers["Authorization"] = f"Bearer {answer['accessToken']}"


@pytest.fixture
async def till(process: Process) -> AsyncIterator[Till]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(process.app), base_url="http://shop.example", timeout=30
    ) as client:
        yield Till(client)


async def test_requests_take_few_statements(process: Process, till: Till) -> None:
    """The catalogue two; what takes a sign-in one more for the session; an order of however many lines twelve.

    Those are one for the session, eight of orders (`test_place_order`) and three of products to reserve.
    """
    async with process.databases.of("products").writer.begin() as connection:
        await connection.execute(update(variants).values(tracked=True, stock=100))
    listed = await till.ask("GET", "/products?inStock=true&limit=24", at_most=2)
    assert len(listed) > 5
    await till.ask("GET", "/products?sort=-price&limit=24", at_most=2)
    detail = await till.ask("GET", f"/products/{listed[0]['slug']}", at_most=2)
    assert detail["variants"]
    await till.sign_in_as_guest()
    await shop(till, listed[:3], {"email": "li.lei@shop.example"})
    await till.register("han.meimei@shop.example")
    await shop(till, listed[:3], {})


async def shop(till: Till, goods: list[Any], given: dict[str, str]) -> None:
    for each in goods:
        variant = (await till.ask("GET", f"/products/{each['slug']}"))["variants"][0]["id"]
        await till.ask("POST", "/cart/items", {"variantId": variant, "quantity": 1}, at_most=5)
    await till.ask("GET", "/cart", at_most=3)
    order = {"shippingMethod": "standard", "address": ADDRESS} | given
    placed = await till.ask("POST", "/orders", order, at_most=12)
    assert len(placed["lines"]) == len(goods) == 3
    await till.ask("GET", "/orders?limit=20", at_most=3)
    await till.ask("GET", f"/orders/{placed['id']}", at_most=3)


async def test_negative_control_one_too_many_is_noticed(till: Till) -> None:
    with pytest.raises(AssertionError, match="SELECT"):
        await till.ask("GET", "/products?limit=24", at_most=0)
