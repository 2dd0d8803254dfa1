"""Runs the contexts' jobs, each in its own rhythm."""

import asyncio
import random
from collections.abc import Sequence

import structlog

from caddy_shopping.platform.module import Job

log = structlog.get_logger("jobs")


class Scheduler:
    """Starts every job a little after the process, then every `job.every`, a little jittered."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._repeat(job), name=f"job-{job.name}") for job in self._jobs]

    async def stop(self) -> None:
        """Let a job that is running finish; start no other."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _repeat(self, job: Job) -> None:
        period = job.every.total_seconds()
        # Processes that started together do not work together.
        pause = min(period, 5.0) * random.uniform(0.1, 1.0)
        while not await self._stopped_within(pause):
            try:
                await job.run()
            except Exception:
                # A job comes round again; that it failed is for the log, not for the process.
                log.exception("job.failed", job=job.name)
            pause = period * random.uniform(0.9, 1.1)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True
