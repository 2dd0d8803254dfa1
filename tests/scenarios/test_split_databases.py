"""Orders in a database of their own: nothing joins them to the rest but contracts and events."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.books import ask, read_only
from tests.support.engine import ENGINE
from tests.support.furnished import running_shop
from tests.support.journey import Books, mail_to, order_becomes, pay, put_in, stock_up
from tests.support.shop import ADDRESS, Caller, Shop, callers, eventually
from tests.support.topologies import one_process

pytestmark = one_process
ROUNDS = 4


@pytest.fixture(scope="module")
def orders_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the orders' own database is, as `ENGINE.url_of` counts."""
    return tmp_path_factory.mktemp("orders")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, orders_dir: Path) -> Iterator[Shop]:
    own = {
        "SHOP_ORDERS_DATABASE_URL": ENGINE.url_of(orders_dir),
        "SHOP_IDEMPOTENCY_LEASE_SECONDS": "1",
        "SHOP_PAYMENTS_SWEEP_EVERY_SECONDS": "1",
    }
    with running_shop(tmp_path_factory.mktemp("shop"), own) as running:
        yield running


@pytest.fixture
async def new(shop: Shop) -> AsyncIterator[Any]:
    async with callers(shop) as make:
        yield make


@pytest.fixture
async def admin(shop: Shop, new: Any) -> Caller:
    assert shop.admin is not None
    staff: Caller = await new().sign_in(*shop.admin)
    return staff


def tables(data_dir: Path) -> set[str]:
    with read_only(data_dir) as books:
        return set(books.tables())


async def test_each_database_has_its_own_tables(shop: Shop, orders_dir: Path) -> None:
    assert {"orders", "orders_outbox"} <= tables(orders_dir)
    assert not {"products", "products_outbox", "payments"} & tables(orders_dir)
    assert {"products", "payments"} <= tables(shop.data_dir)
    assert not {"orders", "orders_outbox"} & tables(shop.data_dir)


async def test_readiness_looks_at_both(new: Any) -> None:
    checks = (await new().ask("GET", "api/health/ready")).json["checks"]
    assert {name for name in checks if name.startswith("database")} == {"database-users", "database-orders"}


async def test_a_whole_journey(shop: Shop, admin: Caller, new: Any) -> None:
    goods, buyer = await stock_up(admin), await new().register("two.files@shop.example")
    await put_in(buyer, goods, 2)
    order = (await buyer.post("/orders", {"shippingMethod": "standard", "address": ADDRESS})).data
    assert await goods.books() == Books(18, 2, 0)
    await pay(buyer, order)
    await order_becomes(buyer, order, "PAID")

    subjects = ["We received your order {}", "Payment received for order {}"]
    for subject in subjects:
        await mail_to(shop, "two.files@shop.example", subject.format(order["number"]))
    await eventually(lambda: sold(goods, 2))


async def sold(goods: Any, pieces: int) -> bool:
    return bool(await goods.books() == Books(20 - pieces, 0, pieces))


async def is_paid(buyer: Caller, order: Any) -> bool:
    answer = await buyer.get(f"/orders/{order['id']}")
    assert answer.data["status"] == "PAID", answer
    return True


async def test_a_kill_in_between_loses_nothing_that_was_promised(
    shop: Shop, orders_dir: Path, admin: Caller, new: Any
) -> None:
    """What the one database promised in its outbox reaches the other after the restart."""
    for number in range(ROUNDS):
        goods, buyer = await stock_up(admin), await new().sign_in_as_guest()
        await put_in(buyer, goods)
        body = {"shippingMethod": "standard", "address": ADDRESS, "email": f"killed-{number}@shop.example"}
        order = (await buyer.post("/orders", body)).data
        payment = asyncio.create_task(pay(buyer, order))
        await (payment if number % 2 else asyncio.sleep(0.02 * number))
        await asyncio.to_thread(shop.kill)
        await asyncio.gather(payment, return_exceptions=True)
        await asyncio.to_thread(shop.start)
        payments = (await buyer.get(f"/payments?orderId={order['id']}")).data
        if not any(each["status"] in ("PENDING", "SUCCEEDED") for each in payments):
            # None, or one that never got to the provider: the buyer, who was not answered, asks again.
            await pay(buyer, order)
        # A webhook that was taken but not processed waits for the sweep.
        await eventually(lambda buyer=buyer, order=order: is_paid(buyer, order), timeout=60)
        await eventually(lambda goods=goods: sold(goods, 1), timeout=30)

    async def published() -> bool:
        waiting = "SELECT type FROM {}_outbox WHERE published_at IS NULL"
        assert ask(orders_dir, waiting.format("orders")) == []
        assert ask(shop.data_dir, waiting.format("payments")) == []
        return True

    await eventually(published)
    assert ask(orders_dir, "SELECT COUNT(*) FROM orders WHERE email LIKE 'killed-%'") == [(ROUNDS,)]
    paid = "SELECT COUNT(*) FROM payments WHERE status = 'SUCCEEDED'"
    assert ask(shop.data_dir, paid) == [(ROUNDS + 1,)]
