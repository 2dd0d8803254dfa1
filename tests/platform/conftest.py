"""A toy context on a scratch database."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select

from tests.support import toy
from tests.support.database import Bench


@pytest.fixture
async def bench(make_bench: Callable[..., Awaitable[Bench]]) -> Bench:
    return await make_bench("toy", toy.metadata, toy.platform_tables)


@pytest.fixture
def value_of(bench: Bench) -> Callable[[str], Awaitable[int | None]]:
    async def read(name: str) -> Any:
        async with bench.kit.database.read() as connection:
            query = select(toy.counters.c.value).where(toy.counters.c.name == name)
            return (await connection.execute(query)).scalar()

    return read
