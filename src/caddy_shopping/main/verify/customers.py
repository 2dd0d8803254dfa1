"""Customers over HTTP who buy, pay and change their minds, while the shop is killed; and what they were told."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import aiohttp

PATIENCE = 90.0
ADDRESS = {"name": "Li Lei 李雷", "line1": "1 Nanjing Road", "city": "Shanghai", "country": "CN"}


@dataclass
class Told:
    """Answers that count as promises. Each attempt to order has an e-mail address of its own, which names it."""

    ordered: dict[str, dict[str, Any]] = field(default_factory=dict)
    """E-mail to the order as it was acknowledged."""
    refused: Counter[str] = field(default_factory=Counter)
    absent: set[str] = field(default_factory=set)
    """E-mails of refused attempts."""
    unknown: set[str] = field(default_factory=set)
    """E-mails of attempts that were cut off and not tried again."""
    paid: set[UUID] = field(default_factory=set)
    """Payments that were acknowledged."""
    answers: int = 0
    cut_off: int = 0
    unavailable: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    """Answers that nobody should ever get."""


class Customer:
    """Buys one basket after another until `closing`."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, variants: Sequence[UUID], told: Told, dice: random.Random
    ) -> None:
        self._http, self._url, self._variants, self._told, self._dice = http, url, variants, told, dice
        self._token: str | None = None

    async def shop(self, closing: asyncio.Event) -> None:
        """A new guest for every basket: what became of an older cart may be unknown."""
        while not closing.is_set():
            self._token = None
            guest = await self._patiently("/auth/guest")
            self._token = guest[1]["data"]["accessToken"]
            for variant in self._dice.sample(self._variants, self._dice.randint(1, len(self._variants))):
                await self._patiently("/cart/items", {"variantId": str(variant), "quantity": 1})
            order = await self._order()
            if order is not None:
                await self._afterwards(order)

    async def _order(self) -> dict[str, Any] | None:
        """Place an order: with all patience, or with one try whose outcome may stay unknown."""
        email = f"{uuid4().hex}@shop.example"
        body = {"shippingMethod": "standard", "email": email, "address": ADDRESS}
        if self._dice.random() < 0.5:
            status, answer = await self._patiently("/orders", body)
        else:
            status, answer = await self._once("/orders", body, email)
        if status == 201:
            self._told.ordered[email] = answer["data"]
            placed: dict[str, Any] = answer["data"]
            return placed
        if _for_good(status, answer):
            self._told.refused[answer["code"]] += 1
            self._told.absent.add(email)
        else:
            self._told.unknown.add(email)
        return None

    async def _afterwards(self, order: dict[str, Any]) -> None:
        if self._dice.random() < 0.7:
            status, answer = await self._patiently("/payments", {"orderId": order["id"], "method": "sandbox_ok"})
            if status == 201:
                self._told.paid.add(UUID(answer["data"]["id"]))
        if self._dice.random() < 0.25:
            await self._patiently(f"/orders/{order['id']}/cancel", {})

    async def _patiently(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask with one key until there is an answer for good."""
        key, pause = uuid4().hex, 0.05
        async with asyncio.timeout(PATIENCE):
            while True:
                status, answer = await self._once(path, body, key)
                if _for_good(status, answer):
                    return status, answer
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.5)

    async def _once(self, path: str, body: Any, key: str) -> tuple[int, Any]:
        """(0, None) where the connection broke."""
        headers = {"Idempotency-Key": key} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        try:
            async with self._http.post(f"{self._url}/api/v1{path}", json=body, headers=headers) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, OSError):
            self._told.cut_off += 1
            return 0, None
        self._told.answers += 1
        if response.status == 503 and "Retry-After" in response.headers:
            self._told.unavailable[answer["code"]] += 1
        elif response.status >= 500:
            self._told.faults[f"{response.status} {answer.get('code')} to POST {path}"] += 1
        return response.status, answer


def _for_good(status: int, answer: Any) -> bool:
    """Whether this is an answer, rather than "ask again"."""
    return 0 < status < 500 and not (status == 409 and answer["code"] == "REQUEST_IN_FLIGHT")
