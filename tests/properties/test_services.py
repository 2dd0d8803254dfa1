"""Five services: each killed in turn under load, and each replaced by its next release, and nobody's money is lost."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import aiohttp
import pytest

from tests.properties.conftest import IMPATIENT
from tests.support import gateway
from tests.support.buyers import Patience, an_email, fill_cart, order_of
from tests.support.journey import order_becomes, quiet, stock_up
from tests.support.shop import Caller, callers
from tests.support.split_shop import CONTEXTS, SplitShop

VARIABLE = "SHOP_TEST_REQUESTS"
pytestmark = [
    pytest.mark.skipif(gateway.missing() is not None, reason=str(gateway.missing())),
    pytest.mark.skipif(VARIABLE not in os.environ, reason=f"takes minutes: {VARIABLE}=10000"),
]
STOCK = 500
BUYERS = 4
REQUESTS = int(os.environ.get(VARIABLE, "10000"))
"""Requests, at least, while every service is replaced."""
DEADLINE = 10.0
"""Seconds in which a checkout is answered whatever is away: the deadlines of its calls, and a busy machine."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitShop]:
    running = SplitShop(tmp_path_factory.mktemp("services"), IMPATIENT)
    try:
        running.start()
        yield running
        assert running.stop() == 0
    finally:
        running.kill()


class Load:
    """People who browse, and people who buy, until they are told to stop."""

    def __init__(self, new: Any, variant: str) -> None:
        self._new = new
        self._variant = variant
        self.over = asyncio.Event()
        self.requests = 0
        self.browsed: list[int] = []
        self.asked: list[tuple[Caller, Any]] = []
        """Orders for which a payment was asked for; of those that are not `paid` nobody heard."""
        self.paid: list[tuple[Caller, Any]] = []
        self.answered: list[float] = []
        self.busy: list[str] = []

    async def browse(self) -> None:
        anyone = self._new()
        while not self.over.is_set():
            for path in ("/products?limit=24", "/products?sort=-price&limit=5", "/categories"):
                self.browsed.append(await self._status(anyone, path))
            await asyncio.sleep(0.01)

    async def buy(self) -> None:
        buyer = None
        while not self.over.is_set():
            try:
                buyer = buyer or await self._new().sign_in_as_guest()
                await self._check_out(buyer)
            except (KeyError, AssertionError, aiohttp.ClientError):
                # Refused or cut off; whatever came of it, the next one begins with an empty hand.
                buyer = None
                await asyncio.sleep(0.05)

    async def _check_out(self, buyer: Caller) -> None:
        patience = Patience(seconds=60)
        await fill_cart(buyer, self._variant, patience=patience)
        body = order_of(an_email())
        placed = await self._patiently(patience, lambda key: buyer.post("/orders", body, key=key))
        if placed.status != 201:
            return
        self.asked.append((buyer, placed.data))
        wish = {"orderId": placed.data["id"], "method": "sandbox_ok"}
        paid = await self._patiently(patience, lambda key: buyer.post("/payments", wish, key=key))
        assert paid.status == 201, paid
        self.paid.append((buyer, placed.data))
        self.busy.extend(patience.busy)

    async def _patiently(self, patience: Patience, ask: Any) -> Any:
        key = os.urandom(8).hex()

        async def timed() -> Any:
            start = monotonic()
            try:
                return await ask(key)
            finally:
                self.requests += 1
                self.answered.append(monotonic() - start)

        return await patience.answer(timed)

    async def _status(self, caller: Caller, path: str) -> int:
        self.requests += 1
        try:
            return (await caller.get(path)).status
        except (aiohttp.ClientError, OSError):
            return 0


@asynccontextmanager
async def under_load(shop: SplitShop) -> AsyncIterator[Load]:
    """Load until the end of the block; then every order that was paid for is PAID, and every piece is somewhere."""
    async with callers(shop) as new:
        assert shop.admin is not None
        admin = await new().sign_in(*shop.admin)
        goods = await stock_up(admin, stock=STOCK)
        load = Load(new, goods.variant_id)
        async with asyncio.TaskGroup() as people:
            people.create_task(load.browse())
            for _ in range(BUYERS):
                people.create_task(load.buy())
            try:
                yield load
            finally:
                load.over.set()
        for buyer, order in load.paid:
            await order_becomes(buyer, order, "PAID")
        await quiet(shop, after_kills=True)
        books = await goods.books()
        assert sum(books) == STOCK
        # Where the answer about a payment was lost, it may have been made all the same: then its order says so.
        unheard = [(buyer, order) for buyer, order in load.asked if (buyer, order) not in load.paid]
        made = [(await buyer.get(f"/orders/{order['id']}")).data["status"] for buyer, order in unheard].count("PAID")
        assert books.sold == len(load.paid) + made


async def test_each_service_may_be_killed_under_load(shop: SplitShop) -> None:
    async with under_load(shop) as load:
        await asyncio.sleep(2)
        for context in ("orders", "payments", "notifications", "users", "products"):
            service = shop.services[context]
            before = len(load.browsed)
            await asyncio.to_thread(service.kill)
            await asyncio.sleep(2)
            if context not in ("users", "products"):
                assert set(load.browsed[before:]) == {200}, f"browsing needs no {context}"
            service.launch()
            await asyncio.to_thread(service.wait)
            await asyncio.sleep(2)
    assert load.paid
    assert load.busy, "nobody noticed anything"
    assert max(load.answered) < DEADLINE + 2


async def test_without_products_an_order_is_refused_in_time_and_leaves_nothing(shop: SplitShop) -> None:
    async with callers(shop) as new:
        assert shop.admin is not None
        admin = await new().sign_in(*shop.admin)
        goods = await stock_up(admin)
        buyer = await new().sign_in_as_guest()
        await fill_cart(buyer, goods.variant_id)
        await asyncio.to_thread(shop.services["products"].kill)
        try:
            start = monotonic()
            refused = await buyer.post("/orders", order_of(an_email()))
            assert refused.status == 503, refused
            assert int(refused.headers["Retry-After"]) >= 1
            assert monotonic() - start < DEADLINE
            assert (await buyer.get("/orders")).data == []
        finally:
            shop.services["products"].launch()
            await asyncio.to_thread(shop.services["products"].wait)
        await asyncio.sleep(1)
        placed = await Patience().answer(lambda: buyer.post("/orders", order_of(an_email()), key="again"))
        assert placed.status == 201, placed


async def test_each_service_may_be_replaced_and_nobody_notices(shop: SplitShop) -> None:
    async with under_load(shop) as load:
        for context in CONTEXTS:
            await asyncio.to_thread(shop.services[context].roll)
        while load.requests < REQUESTS:
            await asyncio.sleep(0.1)
    assert set(load.browsed) == {200}
    assert not load.busy
    assert load.paid
