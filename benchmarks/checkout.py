"""Whole checkouts: fill the cart, place the order, pay by the sandbox, whose webhook then makes it PAID."""

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from statistics import quantiles
from typing import Any

import aiohttp

from benchmarks.wrk import Figures
from tests.support.shop import ADDRESS, Caller

SAMPLE = 10
"""Orders of each buyer whose way from placed to PAID is looked at afterwards."""
_ORDER = {"shippingMethod": "standard", "address": ADDRESS, "email": "bench@shop.example"}
# One thread is one buyer with one connection, so a thread's state is the buyer's place in the checkout.
_SCRIPT = """
local tokens, variants, order = %s, %s, %s
local buyers = {}
function setup(thread) table.insert(buyers, thread); thread:set("buyer", #buyers) end
function init() step, turn, finished, refused, key = 1, buyer, 0, 0, 0 end
local function post(path, body)
  key = key + 1
  return wrk.format("POST", "/api/v1" .. path, {
    ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. tokens[buyer],
    ["Idempotency-Key"] = "%s-" .. buyer .. "-" .. key }, body)
end
function request()
  if step == 1 then
    turn = turn %% #variants + 1
    return post("/cart/items", '{"variantId":"' .. variants[turn] .. '","quantity":1}')
  end
  if step == 2 then return post("/orders", order) end
  return post("/payments", '{"orderId":"' .. placed .. '","method":"sandbox_ok"}')
end
function response(status, headers, body)
  if status ~= (step == 1 and 200 or 201) then refused = refused + 1; step = 1; return end
  if step == 2 then placed = body:match('"id":"([0-9a-f-]+)"') end
  if step == 3 then finished = finished + 1 end
  step = step %% 3 + 1
end
function done(summary)
  local all, no = 0, 0
  for _, each in ipairs(buyers) do all = all + each:get("finished"); no = no + each:get("refused") end
  io.write(string.format('JSON{"finished":%%d,"refused":%%d}\\n', all, no))
end
"""


async def goods(url: str) -> list[Any]:
    """Details of the newest 24 products in stock: enough for buyers not to meet at one of them."""
    async with aiohttp.ClientSession() as http:
        anyone = Caller(http, url)
        listed = (await anyone.get("/products?inStock=true&limit=24")).data
        return [(await anyone.get(f"/products/{each['slug']}")).data for each in listed]


async def measure(url: str, variant_ids: Sequence[str], *, buyers: int, seconds: float) -> Figures:
    """`buyers` guests check out again and again for `seconds`; the clock stops when the last order is PAID.

    Latencies are from placing an order to its being PAID, of a sample.
    """
    async with aiohttp.ClientSession() as http:
        guests = [await Caller(http, url).sign_in_as_guest() for _ in range(buyers)]
        await asyncio.to_thread(_shop_around, url, guests, variant_ids, 1.0)
        await _all_paid(guests)
        start = time.perf_counter()
        tally = await asyncio.to_thread(_shop_around, url, guests, variant_ids, seconds)
        await _all_paid(guests)
        took = time.perf_counter() - start
        cuts = quantiles([each for guest in guests for each in await _latencies(guest)], n=100)
    return Figures(tally["finished"] / took, cuts[49], cuts[94], cuts[98], tally["refused"])


def _shop_around(url: str, guests: Sequence[Caller], variant_ids: Sequence[str], seconds: float) -> dict[str, int]:
    script = _SCRIPT % (
        _table([str(guest.token) for guest in guests]),
        _table(variant_ids),
        json.dumps(json.dumps(_ORDER)),
        time.time_ns(),
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", f"-t{len(guests)}", f"-c{len(guests)}", f"-d{seconds:g}s", "-s", file.name, url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in output.splitlines() if line.startswith("JSON")]
    tally: dict[str, int] = json.loads(line[4:])
    return tally


def _table(values: Sequence[str]) -> str:
    return "{" + ",".join(json.dumps(value) for value in values) + "}"


async def _all_paid(guests: Sequence[Caller]) -> None:
    """Return once every order that was paid for is PAID. The last of each buyer may have been left unpaid."""
    async with asyncio.timeout(30):
        for guest in guests:
            while len((await guest.get("/orders?status=PENDING_PAYMENT&limit=5")).json["data"]) > 2:
                await asyncio.sleep(0.02)


async def _latencies(guest: Caller) -> list[float]:
    """Milliseconds from placed to paid of this buyer's latest paid orders."""
    listed = (await guest.get(f"/orders?status=PAID&limit={SAMPLE}")).json["data"]
    orders = [(await guest.get(f"/orders/{each['id']}")).data for each in listed]
    return [
        (datetime.fromisoformat(order["paidAt"]) - datetime.fromisoformat(order["placedAt"])).total_seconds() * 1000
        for order in orders
    ]
