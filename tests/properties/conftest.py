"""A shop that really runs, for each test module that races against it or kills it."""

import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.support.furnished import furnish
from tests.support.shop import Caller, ForkedShop, Shop, callers

NewCaller = Callable[..., Caller]
IMPATIENT = {
    "SHOP_IDEMPOTENCY_LEASE_SECONDS": "1",
    "SHOP_ORDERS_HOLD_SECONDS": "10",
    "SHOP_PRODUCTS_SWEEP_SECONDS": "1",
    "SHOP_PAYMENTS_SWEEP_EVERY_SECONDS": "1",
    "SHOP_PAYMENTS_RECONCILE_AFTER_SECONDS": "3",
    "SHOP_PAYMENTS_RECONCILE_EVERY_SECONDS": "1",
}
"""What heals itself after a crash does so within seconds, so that a test can wait for it."""


@pytest.fixture(scope="module", autouse=True)
def _unmeasured() -> Iterator[None]:
    """What is raced, fuzzed and killed here is tested line by line elsewhere: no coverage of it is taken."""
    tracer, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    yield
    sys.settrace(tracer)
    threading.settrace(of_threads)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """`caddy-shopping serve` without the demo catalogue."""
    running = ForkedShop(tmp_path_factory.mktemp("shop"), IMPATIENT)
    furnish(running, "--no-demo")
    try:
        running.start("--no-demo")
        yield running
        assert running.stop() == 0
    finally:
        running.kill()


@pytest.fixture
async def new(shop: Shop) -> AsyncIterator[NewCaller]:
    """`new()` is somebody nobody knows yet."""
    async with callers(shop) as make:
        yield make


@pytest.fixture
async def admin(shop: Shop, new: NewCaller) -> Any:
    """The staff sign-in that the first start printed."""
    assert shop.admin is not None
    return await new().sign_in(*shop.admin)


HEAVY = {"test_races", "test_verify_crash", "test_outages"}
ASKED = "SHOP_TEST_SEEDS" in os.environ or "SHOP_TEST_CRASHES" in os.environ


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the servers' races and crashes, which take minutes, to the script that asks for them."""
    for item in items:
        parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        engine = parameters.get("engine_url") or parameters.get("server")
        heavy = isinstance(item, pytest.Function) and item.module.__name__.rpartition(".")[2] in HEAVY
        if heavy and engine != "SQLite" and not ASKED:
            item.add_marker(pytest.mark.skip(reason=f"{engine}, raced and killed: scripts/test-races"))
