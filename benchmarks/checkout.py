"""Whole checkouts: fill the cart, place the order, pay, and wait until the order says PAID."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles

import aiohttp

from benchmarks.wrk import Figures
from tests.support.shop import ADDRESS, Caller

LOOK_EVERY = 0.2
"""Seconds between two looks at an order that awaits its payment, as a storefront would do it."""


@dataclass
class Tally:
    """Seconds that each checkout took, and those that failed."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0


async def checkout(buyer: Caller, variant_id: str) -> None:
    """One paid order. Raises where any step is refused or the payment does not arrive in 10 s."""
    added = await buyer.post("/cart/items", {"variantId": variant_id, "quantity": 1})
    assert added.status in (200, 201), added
    order = {"shippingMethod": "standard", "address": ADDRESS, "email": "bench@shop.example"}
    placed = await buyer.post("/orders", order)
    assert placed.status == 201, placed
    order_id = placed.data["id"]
    paying = await buyer.post("/payments", {"orderId": order_id, "method": "sandbox_ok"})
    assert paying.status in (201, 202), paying
    deadline = time.monotonic() + 10
    while (await buyer.get(f"/orders/{order_id}")).data["status"] != "PAID":
        assert time.monotonic() < deadline, "the payment did not arrive"
        await asyncio.sleep(LOOK_EVERY)


async def measure(url: str, variant_ids: Sequence[str], *, buyers: int, seconds: float) -> Figures:
    """`buyers` guests check out again and again for `seconds`; the rate of whole checkouts."""
    tally = Tally()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        guests = [Caller(http, url) for _ in range(buyers)]
        for guest in guests:
            await guest.sign_in_as_guest()
        for number, guest in enumerate(guests):
            await checkout(guest, variant_ids[number % len(variant_ids)])
        start = time.perf_counter()
        until = start + seconds

        async def shop_around(number: int) -> None:
            turn = number
            while time.perf_counter() < until:
                began = time.perf_counter()
                try:
                    await checkout(guests[number], variant_ids[turn % len(variant_ids)])
                except AssertionError:
                    tally.failed += 1
                else:
                    tally.seconds.append(time.perf_counter() - began)
                turn += buyers

        await asyncio.gather(*(shop_around(number) for number in range(buyers)))
        took = time.perf_counter() - start
    cuts = quantiles(tally.seconds, n=100)
    return Figures(len(tally.seconds) / took, cuts[49] * 1000, cuts[94] * 1000, cuts[98] * 1000, tally.failed)
