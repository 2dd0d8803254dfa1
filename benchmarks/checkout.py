"""Whole checkouts: fill the cart, place the order, pay by the sandbox, whose webhook then makes it PAID."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import quantiles

import aiohttp

from benchmarks.wrk import Figures
from tests.support.shop import ADDRESS, Caller

SAMPLE = 200
"""Orders whose time from the first click to PAID is looked at afterwards."""


@dataclass
class Tally:
    """(buyer, order id, moment of the first click) of every order that was placed and paid for."""

    placed: list[tuple[Caller, str, datetime]] = field(default_factory=list)
    refused: int = 0


async def checkout(buyer: Caller, variant_id: str, tally: Tally) -> None:
    """Everything that the buyer does. That the money came is the webhook's business: `all_paid`."""
    began = datetime.now(UTC)
    added = await buyer.post("/cart/items", {"variantId": variant_id, "quantity": 1})
    placed = await buyer.post(
        "/orders", {"shippingMethod": "standard", "address": ADDRESS, "email": "bench@shop.example"}
    )
    if added.status != 200 or placed.status != 201:
        tally.refused += 1
        return
    order_id = placed.data["id"]
    paying = await buyer.post("/payments", {"orderId": order_id, "method": "sandbox_ok"})
    if paying.status != 201:
        tally.refused += 1
        return
    tally.placed.append((buyer, order_id, began))


async def all_paid(buyers: Sequence[Caller]) -> None:
    """Return once no order of theirs awaits its payment. Raises after 30 s."""
    async with asyncio.timeout(30):
        for buyer in buyers:
            while (await buyer.get("/orders?status=PENDING_PAYMENT&limit=1")).json["data"]:
                await asyncio.sleep(0.05)


async def measure(url: str, variant_ids: Sequence[str], *, buyers: int, seconds: float) -> Figures:
    """`buyers` guests check out again and again for `seconds`; the clock stops when the last order is PAID.

    Latencies are from the first click of a checkout to the moment its order was paid, of a sample.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        guests = [await Caller(http, url).sign_in_as_guest() for _ in range(buyers)]
        for number, guest in enumerate(guests):
            await checkout(guest, variant_ids[number % len(variant_ids)], Tally())
        await all_paid(guests)
        tally, start = Tally(), time.perf_counter()

        async def shop_around(number: int) -> None:
            turn = number
            while time.perf_counter() < start + seconds:
                await checkout(guests[number], variant_ids[turn % len(variant_ids)], tally)
                turn += buyers

        await asyncio.gather(*(shop_around(number) for number in range(buyers)))
        await all_paid(guests)
        took = time.perf_counter() - start
        sample = tally.placed[:: max(1, len(tally.placed) // SAMPLE)]
        latencies = [await _latency(buyer, order_id, began) for buyer, order_id, began in sample]
    cuts = quantiles(latencies, n=100)
    return Figures(len(tally.placed) / took, cuts[49], cuts[94], cuts[98], tally.refused)


async def _latency(buyer: Caller, order_id: str, began: datetime) -> float:
    """Milliseconds from `began` to the order's payment, both on this machine's clock."""
    order = (await buyer.get(f"/orders/{order_id}")).data
    return (datetime.fromisoformat(order["paidAt"]) - began).total_seconds() * 1000
