"""A running shop for each test module (a worker of pytest-xdist has its own), and people to use it."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.support.furnished import running_shop
from tests.support.redis_server import RedisServer, running_or_skipped
from tests.support.shop import Caller, Shop, callers

NewCaller = Callable[..., Caller]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """`caddy-shopping serve` with the demo catalogue."""
    with running_shop(tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    """A Redis of the module's own, for tests that kill or fill it."""
    server = running_or_skipped()
    yield server
    server.stop()


@pytest.fixture
async def new(shop: Shop) -> AsyncIterator[NewCaller]:
    """`new()` is somebody nobody knows yet; `new("zh")` reads Chinese."""
    async with callers(shop) as make:
        yield make


@pytest.fixture
async def admin(shop: Shop, new: NewCaller) -> Any:
    """The staff sign-in that the first start printed."""
    assert shop.admin is not None
    return await new().sign_in(*shop.admin)
