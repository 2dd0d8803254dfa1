"""What every cache does, alone or with others."""

import asyncio

import pytest

from caddy_shopping.platform.cache.cache import EVERYTHING, Lifetime
from tests.platform.cache.conftest import Side, Source


async def test_a_value_is_loaded_once(side: Side) -> None:
    source = Source()
    assert [await side.get(source) for _ in range(3)] == ["old"] * 3
    assert source.loads == 1
    assert side.count("cache_lookups_total", level="memory", result="hit") == 2
    assert (await side.cache.stats()).entries == 1


async def test_that_there_is_none_is_remembered_too(side: Side) -> None:
    source = Source()
    source.value = None
    assert [await side.get(source) for _ in range(3)] == [None] * 3
    assert source.loads == 1


async def test_nothing_outlives_its_time(side: Side) -> None:
    source = Source()
    short = Lifetime(memory=0.05, shared=0.05, absent=0.05)
    await side.get(source, lifetime=short)
    await asyncio.sleep(0.06)
    await side.get(source, lifetime=short)
    assert source.loads == 2


async def test_many_who_ask_at_once_load_once(side: Side) -> None:
    source = Source()
    source.gate.clear()
    asking = [asyncio.create_task(side.get(source)) for _ in range(50)]
    await source.begun.wait()
    asking[0].cancel()  # one who gives up takes nothing from the others
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*asking[1:]) == ["old"] * 49
    assert source.loads == 1


async def test_an_error_is_for_all_who_wait_and_is_not_kept(side: Side) -> None:
    source = Source()
    source.fault = LookupError("the database is away")
    source.gate.clear()
    asking = [asyncio.create_task(side.get(source)) for _ in range(3)]
    await source.begun.wait()
    source.gate.set()
    assert [type(each) for each in await asyncio.gather(*asking, return_exceptions=True)] == [LookupError] * 3
    source.fault = None
    assert await side.get(source) == "old"
    assert source.loads == 2


@pytest.mark.parametrize("tag", ["things", "thing:1", EVERYTHING])
async def test_what_is_forgotten_is_loaded_again(side: Side, tag: str) -> None:
    source = Source()
    await side.get(source)
    source.value = "new"
    side.cache.forget([tag])
    assert await side.get(source) == "new"
    assert side.heard == [{tag}]


async def test_other_tags_do_not_matter(side: Side) -> None:
    source = Source()
    await side.get(source)
    side.cache.forget(["thing:2"])
    await side.get(source)
    assert source.loads == 1


async def test_what_was_read_before_a_change_is_not_kept_after_it(side: Side) -> None:
    source = Source()
    source.gate.clear()
    early = asyncio.create_task(side.get(source))
    await source.begun.wait()
    source.value = "new"
    side.cache.forget(["things"])
    late = asyncio.create_task(side.get(source))
    await asyncio.sleep(0.01)
    source.gate.set()
    assert await late == "new"
    assert await early == "old"
    assert await side.get(source) == "new"


async def test_memory_is_bounded(side: Side) -> None:
    source = Source()
    memory = side.cache.memory
    memory._most = 3
    for number in range(5):
        await side.get(source, f"thing {number}")
    assert len(memory) == 3
    assert side.count("cache_evictions_total") == 2
    assert memory.find("thing 0") is None
    memory._most_bytes = 1500
    await side.get(source, "another")
    assert 0 < memory.size <= 1500
    assert side.count("cache_bytes") == memory.size


async def test_all_can_be_cleared(side: Side) -> None:
    source = Source()
    await side.get(source)
    await side.cache.clear()
    stats = await side.cache.stats()
    assert (stats.entries, stats.size, stats.shared or 0) == (0, 0, 0)
    await side.get(source)
    assert source.loads == 2
