"""The notifications context, built on a scratch database."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from caddy_shopping.contexts.notifications.infrastructure import tables
from caddy_shopping.contexts.notifications.settings import NotificationsSettings
from tests.contexts.notifications.support import Office, OpenOffice
from tests.support.clock import FakeClock
from tests.support.database import Bench


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def bench(make_bench: Callable[..., Awaitable[Bench]]) -> Bench:
    return await make_bench("notifications", tables.metadata, tables.platform_tables)


@pytest.fixture
def open_office(bench: Bench, tmp_path: Path) -> OpenOffice:
    """`open_office(smtp_port=…)`: another process's worth of the context on the same database."""

    def make(**settings: object) -> Office:
        defaults = {"sender_address": "shop@shop.example", "shop_url": "https://shop.example", "gather_seconds": 0}
        return Office(bench, tmp_path, NotificationsSettings.model_validate(defaults | settings))

    return make


@pytest.fixture
def office(open_office: OpenOffice) -> Office:
    return open_office()
