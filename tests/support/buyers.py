"""Buyers who do not give up: they ask again, with the same Idempotency-Key, until they are really answered."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import uuid4

import aiohttp

from tests.support.shop import ADDRESS, Answer, Caller

Ask = Callable[[], Awaitable[Answer]]


@dataclass
class Patience:
    """Sends a request until somebody answers it for good, and counts what came in between.

    Worth another try are: no connection, 409 REQUEST_IN_FLIGHT, and 503 with Retry-After; nothing else.
    """

    seconds: float = 90.0
    cut_off: int = 0
    in_flight: int = 0
    busy: list[str] = field(default_factory=list)

    async def answer(self, ask: Ask) -> Answer:
        pause = 0.05
        async with asyncio.timeout(self.seconds):
            while (answer := await self._try(ask)) is None:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.5)
        return answer

    async def _try(self, ask: Ask) -> Answer | None:
        try:
            answer = await ask()
        except (aiohttp.ClientError, OSError):
            self.cut_off += 1
            return None
        if answer.status == 409 and answer.code == "REQUEST_IN_FLIGHT":
            self.in_flight += 1
            return None
        if answer.status == 503 and "Retry-After" in answer.headers:
            self.busy.append(answer.code)
            return None
        return answer


async def new_variant(admin: Caller, sku: str, stock: int, amount: int = 1000, currency: str = "CNY") -> str:
    """A product of one variant, on sale; the variant's id."""
    price = {"amount": amount, "currency": currency}
    body = {"title": sku, "status": "active", "variants": [{"sku": sku, "price": price, "stock": stock}]}
    answer = await admin.post("/admin/products", body)
    assert answer.status == 201, answer
    variant: str = answer.data["variants"][0]["id"]
    return variant


async def fill_cart(buyer: Caller, *variants: str, patience: Patience | None = None) -> None:
    """One of each, in this order."""
    patience = patience or Patience()
    for variant in variants:
        body = {"variantId": variant, "quantity": 1}
        answer = await patience.answer(lambda body=body: buyer.post("/cart/items", body))  # type: ignore[misc]
        assert answer.status == 200, answer


def order_of(email: str) -> dict[str, object]:
    """The body of an order."""
    return {"shippingMethod": "standard", "email": email, "address": ADDRESS}


def an_email() -> str:
    """An address that nobody else has."""
    return f"{uuid4().hex}@shop.example"
