"""One holder at a time; a holder who was away is told so by what it writes to."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from caddy_shopping.platform.locks.locks import Held, Locks
from caddy_shopping.platform.locks.memory import MemoryLocks
from caddy_shopping.platform.locks.shared import SharedLocks
from caddy_shopping.platform.redis.link import Link
from tests.support.redis_link import link, linked, redis_server
from tests.support.redis_server import RedisServer
from tests.support.shop import eventually

__all__ = ["link", "redis_server"]


@pytest.fixture(params=["memory", "redis"])
async def locks(request: pytest.FixtureRequest) -> AsyncIterator[Locks]:
    """Each implementation of `Locks`."""
    if request.param == "memory":
        yield MemoryLocks()
        return
    async with linked(request.getfixturevalue("redis_server")) as made:
        yield SharedLocks(made)


async def test_one_holds_and_nobody_waits(locks: Locks) -> None:
    async with locks.held("purge", 30) as first:
        async with locks.held("purge", 30) as second, locks.held("another", 30) as other:
            assert first is not None
            assert second is None
            assert other is not None
        async with locks.held("purge", 30) as third:
            assert third is None, "who did not get it does not free it"
    async with locks.held("purge", 30) as after:
        assert after is not None


async def test_it_is_free_after_a_failure(locks: Locks) -> None:
    with pytest.raises(KeyError):
        async with locks.held("purge", 30):
            raise KeyError
    async with locks.held("purge", 30) as held:
        assert held is not None


async def test_tokens_grow(locks: Locks) -> None:
    tokens = [await token(locks) for _ in range(5)]
    assert tokens == sorted(set(tokens))


async def test_tokens_grow_across_a_flush(link: Link, redis_server: RedisServer) -> None:
    locks = SharedLocks(link)
    before = await token(locks)
    redis_server.execute("FLUSHALL")
    assert await token(locks) > before


async def test_two_processes_do_not_hold_one_lock(link: Link, redis_server: RedisServer) -> None:
    other = Link(redis_server.url, CollectorRegistry())
    async with SharedLocks(link).held("purge", 30) as one, SharedLocks(other).held("purge", 30) as two:
        assert isinstance(one, Held)
        assert two is None
    await other.close()


async def test_a_lock_lives_as_long_as_its_holder_works(link: Link) -> None:
    locks = SharedLocks(link)
    async with locks.held("purge", 0.3):
        await asyncio.sleep(0.6)
        async with locks.held("purge", 0.3) as other:
            assert other is None


async def test_one_that_was_lost_is_not_freed_for_its_next_holder(link: Link) -> None:
    locks = SharedLocks(link)
    async with locks.held("purge", 30):
        await link.redis.delete("shop:lock:purge")
        async with locks.held("purge", 30) as next_holder:
            assert next_holder is not None
            await link.redis.set("shop:lock:purge", "somebody")
    assert await link.redis.get("shop:lock:purge") == b"somebody"


async def test_where_redis_is_away_everybody_works(redis_server: RedisServer) -> None:
    nowhere = Link("redis://127.0.0.1:1/0", CollectorRegistry())
    locks = SharedLocks(nowhere)
    async with locks.held("purge", 30) as held, SharedLocks(nowhere).held("purge", 30) as other:
        assert held is not None
        assert other is not None
        async with locks.held("purge", 30) as here:
            assert here is None, "within one process it still holds"
    await nowhere.close()


async def token(locks: Locks) -> int:
    async with locks.held("purge", 30) as held:
        assert held is not None
        return held.token


async def test_what_is_done_is_written_down_for_a_while(locks: Locks) -> None:
    assert not await locks.recorded("purge")
    async with locks.held("purge", 30) as held:
        assert held is not None
        await locks.record(held, 0.05)
    assert await locks.recorded("purge")
    assert not await locks.recorded("another")
    await asyncio.sleep(0.06)
    assert not await locks.recorded("purge")


HOLDER = """
import asyncio, sys
from prometheus_client import CollectorRegistry
from caddy_shopping.platform.locks.locks import TokenRefused
from caddy_shopping.platform.locks.shared import SharedLocks
from caddy_shopping.platform.redis.link import Link

async def main():
    locks = SharedLocks(Link(sys.argv[1], CollectorRegistry(), patience=5))
    async with locks.held("purge", 0.5) as held:
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        try:
            await locks.record(held, 60)
            print("written", flush=True)
        except TokenRefused:
            print("refused", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize(("paused", "said"), [(True, "refused"), (False, "written")])
async def test_a_holder_who_was_paused_past_its_time_writes_nothing(
    link: Link, redis_server: RedisServer, paused: bool, said: str
) -> None:
    """Its process stands still, somebody else takes the lock and is done, and it goes on as if nothing had been."""
    locks = SharedLocks(link)
    command = [sys.executable, "-c", HOLDER, redis_server.url]
    holder = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "src"}
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    if paused:
        holder.send_signal(signal.SIGSTOP)

        async def taken() -> bool:
            async with locks.held("purge", 30) as held:
                if held is not None:
                    await locks.record(held, 60)
                return held is not None

        await eventually(taken)
        written = await link.redis.get("shop:lock:purge:done")
        holder.send_signal(signal.SIGCONT)
    out, _ = await holder.communicate(b"go on\n")
    assert out == f"{said}\n".encode()
    if paused:
        assert await link.redis.get("shop:lock:purge:done") == written
