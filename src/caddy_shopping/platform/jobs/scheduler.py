"""Runs the contexts' jobs, each in its own rhythm."""

import asyncio
import random
from collections.abc import Sequence

import structlog

from caddy_shopping.platform.locks.locks import Locks
from caddy_shopping.platform.locks.memory import MemoryLocks
from caddy_shopping.platform.module import Job

log = structlog.get_logger("jobs")
LEASE = 30.0
"""Seconds after which another process may run the job of one that died."""


class Scheduler:
    """Starts every job a little after the process, then every `job.every`, a little jittered.

    A job whose turn comes while another process is at it, or has just done it, is left out this time.
    """

    def __init__(self, jobs: Sequence[Job], locks: Locks | None = None, *, patience: float = 10.0) -> None:
        self._jobs = jobs
        self._locks = locks or MemoryLocks()
        self._patience = patience
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._repeat(job), name=f"job-{job.name}") for job in self._jobs]

    async def stop(self) -> None:
        """Let a job that is running finish, within `patience` seconds; start no other.

        One that is cut off (a purge of years, say) goes on from there at its next round.
        """
        self._stopping.set()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self._patience)
        for task in late:
            log.warning("job.cut_off", job=task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _repeat(self, job: Job) -> None:
        period = job.every.total_seconds()
        # Processes that started together do not work together.
        pause = min(period, 5.0) * random.uniform(0.1, 1.0)
        while not await self._stopped_within(pause):
            try:
                await self._run(job)
            except Exception:
                # A job comes round again; that it failed is for the log, not for the process.
                log.exception("job.failed", job=job.name)
            pause = period * random.uniform(0.9, 1.1)

    async def _run(self, job: Job) -> None:
        # With its rhythm: where that is changed, the new one counts at once, and the old one's record for nothing.
        name = f"job:{job.name}/{job.every.total_seconds():g}"
        async with self._locks.held(name, LEASE) as held:
            if held is None or await self._locks.recorded(held.name):
                return
            await job.run()
            # Shorter than any pause here, so that a process which is alone never leaves one out.
            await self._locks.record(held, 0.8 * job.every.total_seconds())

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True
