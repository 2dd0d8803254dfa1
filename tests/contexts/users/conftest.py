"""Fixtures of the users context."""

from collections.abc import Callable
from typing import Any

import pytest

from caddy_shopping.contexts.users import module
from caddy_shopping.contexts.users.infrastructure import tables
from caddy_shopping.contexts.users.settings import UsersSettings
from tests.contexts.users.world import FakeHasher, FakeTokens, World


@pytest.fixture
async def world(make_bench: Callable[..., Any]) -> World:
    bench = await make_bench("users", tables.metadata, tables.platform_tables)
    hasher = FakeHasher()
    return World(bench, module.build(bench.kit, UsersSettings(), hasher, FakeTokens(), b"s" * 32), hasher)
