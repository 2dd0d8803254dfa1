"""Counting tries in memory: a sliding window, bounded."""

from datetime import timedelta

import pytest

from caddy_shopping.contexts.users.infrastructure.limiter import MemorySignInLimiter, SharedSignInLimiter
from caddy_shopping.kernel.errors import RateLimited
from caddy_shopping.platform.http.rate_limit import MemoryLimiter, Rule, Verdict
from tests.support.clock import FakeClock


async def test_the_window_slides() -> None:
    clock = FakeClock()
    limiter = MemorySignInLimiter(clock, 2, timedelta(seconds=10))
    await limiter.attempt("a")
    clock.advance(timedelta(seconds=6))
    await limiter.attempt("a")
    with pytest.raises(RateLimited) as refused:
        await limiter.attempt("a")
    assert refused.value.retry_after == 4
    assert "4 seconds" in refused.value.message()
    clock.advance(timedelta(seconds=4))
    await limiter.attempt("a")
    with pytest.raises(RateLimited):
        await limiter.attempt("a")


async def test_keys_do_not_know_each_other_and_can_be_forgotten() -> None:
    limiter = MemorySignInLimiter(FakeClock(), 1, timedelta(seconds=10))
    await limiter.attempt("a")
    await limiter.attempt("b")
    await limiter.forget("a")
    await limiter.forget("never seen")
    await limiter.attempt("a")
    with pytest.raises(RateLimited):
        await limiter.attempt("b")


async def test_memory_is_bounded_and_the_latest_are_kept() -> None:
    limiter = MemorySignInLimiter(FakeClock(), 1, timedelta(seconds=10), capacity=2)
    for key in ("a", "b", "c"):
        await limiter.attempt(key)
    await limiter.attempt("a")
    with pytest.raises(RateLimited):
        await limiter.attempt("c")


async def test_tries_are_counted_where_all_processes_count() -> None:
    counted = list[str]()

    class Counter(MemoryLimiter):
        async def take(self, key: str, rule: Rule) -> Verdict:
            counted.append(key)
            return await super().take(key, rule)

    shared = Counter()
    one, other = (SharedSignInLimiter(shared, 2, timedelta(seconds=10)) for _ in range(2))
    await one.attempt("li.lei@shop.example")
    await other.attempt("li.lei@shop.example")
    with pytest.raises(RateLimited) as refused:
        await one.attempt("li.lei@shop.example")
    assert refused.value.retry_after == 5
    await one.attempt("somebody else")
    await other.forget("li.lei@shop.example")
    await one.attempt("li.lei@shop.example")
    assert not any("li.lei" in key for key in counted)
