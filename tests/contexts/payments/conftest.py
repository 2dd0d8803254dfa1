"""Payments on a scratch database."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from caddy_shopping.contexts.payments.module import platform_tables, schema
from tests.contexts.payments.world import World, make_world


@pytest.fixture
async def world(make_bench: Callable[..., Awaitable[Any]]) -> World:
    return make_world(await make_bench("payments", schema.metadata, platform_tables))
