"""Jobs come round, survive their own failures, and stop with the process."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.jobs.retention import INBOX, OUTBOX, retention
from caddy_shopping.platform.jobs.scheduler import Scheduler
from caddy_shopping.platform.locks.memory import MemoryLocks
from caddy_shopping.platform.module import Job
from tests.support.database import Bench
from tests.support.toy import Count, CountHandler, SqlToyTransaction


async def test_a_failing_job_comes_round_again() -> None:
    runs = 0
    thrice = asyncio.Event()

    async def job() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            thrice.set()
        raise RuntimeError("this time too")

    scheduler = Scheduler([Job("flaky", timedelta(milliseconds=5), job)])
    scheduler.start()
    async with asyncio.timeout(5):
        await thrice.wait()
    await scheduler.stop()
    after = runs
    await asyncio.sleep(0.03)
    assert runs == after


async def test_a_job_without_end_is_cut_off() -> None:
    begun, ended = asyncio.Event(), list[str]()

    async def job() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            ended.append("cut off")

    scheduler = Scheduler([Job("endless", timedelta(milliseconds=5), job)], patience=0.05)
    scheduler.start()
    async with asyncio.timeout(5):
        await begun.wait()
        await scheduler.stop()
    assert ended == ["cut off"]


async def test_of_two_processes_one_does_it() -> None:
    runs, twice = list[str](), asyncio.Event()
    locks = MemoryLocks()

    def job(process: str) -> Job:
        async def run() -> None:
            runs.append(process)
            if len(runs) == 2:
                twice.set()

        return Job("rare", timedelta(milliseconds=400), run)

    schedulers = [Scheduler([job(process)], locks) for process in ("one", "other")]
    for scheduler in schedulers:
        scheduler.start()
    async with asyncio.timeout(5):
        await twice.wait()
    assert not await locks.recorded("job:another")
    assert await locks.recorded("job:rare/0.4")
    for scheduler in schedulers:
        await scheduler._run(scheduler._jobs[0])
    assert len(runs) == 2, "it was done just now"
    for scheduler in schedulers:
        await scheduler.stop()


async def test_a_job_that_failed_may_be_done_by_another_at_once() -> None:
    runs, locks = list[str](), MemoryLocks()

    async def fail() -> None:
        runs.append("failed")
        raise RuntimeError

    async def work() -> None:
        runs.append("done")

    jobs = [Job("rare", timedelta(hours=1), run) for run in (fail, work, work)]
    with pytest.raises(RuntimeError):
        await Scheduler([], locks)._run(jobs[0])
    await Scheduler([], locks)._run(jobs[1])
    await Scheduler([], locks)._run(jobs[2])
    assert runs == ["failed", "done"]


async def test_a_scheduler_that_never_started_stops() -> None:
    await Scheduler([]).stop()


async def test_retention_removes_what_is_old_and_nothing_else(
    bench: Bench, value_of: Callable[[str], Awaitable[int | None]]
) -> None:
    handler = CountHandler(bench.kit.unit_of_work(SqlToyTransaction))
    tables = bench.kit.tables

    async def rows() -> tuple[int, int]:
        async with bench.kit.database.read() as connection:
            outbox = (await connection.execute(select(func.count()).select_from(tables.outbox))).scalar_one()
            inbox = (await connection.execute(select(func.count()).select_from(tables.inbox))).scalar_one()
            return outbox, inbox

    await bench.kit.run.consume("toy.count", new_id(), handler, Count())
    async with bench.kit.database.writer.begin() as connection:
        await connection.execute(tables.outbox.update().values(published_at=bench.clock.now()))
    bench.clock.advance(OUTBOX - timedelta(minutes=1))
    await retention(bench.kit).run()
    assert await rows() == (1, 1)
    await bench.kit.run(handler, Count())
    bench.clock.advance(INBOX)
    await retention(bench.kit).run()
    # The younger event was never published: it stays, however old.
    assert await rows() == (1, 0)
    assert await value_of("a") == 2
