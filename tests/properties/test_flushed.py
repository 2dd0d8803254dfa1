"""Redis forgets everything, again and again, in the middle of a sale: nothing is sold twice."""

import asyncio
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from caddy_shopping.main.verify.oversell import Race, oversell
from caddy_shopping.main.verify.scratch import scratch
from tests.properties.races import on_redis
from tests.support.redis_server import running_or_skipped


async def test_a_flush_in_the_middle_of_a_sale_sells_nothing_twice(tmp_path: Path) -> None:
    server = running_or_skipped()
    flushed_keys = 0

    async def flush_again_and_again() -> None:
        nonlocal flushed_keys
        async with Redis.from_url(server.url) as redis:
            while True:
                flushed_keys += await redis.dbsize()
                await redis.flushall()
                await asyncio.sleep(0.02)

    flushing = asyncio.create_task(flush_again_and_again())
    try:
        async with scratch(f"sqlite:///{tmp_path}/shop.db") as made:
            race = Race(200, 20, 2, patience=180)
            tally, lines = await oversell(made, race, lambda words: None, partial(on_redis, server.url))
    finally:
        flushing.cancel()
        await asyncio.wait([flushing])
        await asyncio.to_thread(server.stop)
    assert [line for line in lines if not line.good] == []
    assert len(tally.orders) == 20
    assert flushed_keys > 0, "negative control: there was something to forget"
