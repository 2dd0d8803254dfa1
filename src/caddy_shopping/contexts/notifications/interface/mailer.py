"""The loop that empties the queue of mails."""

import asyncio

import structlog

from caddy_shopping.contexts.notifications.application.send_emails import (
    ClaimEmails,
    ClaimEmailsHandler,
    DeliverEmails,
    DeliverEmailsHandler,
    SettleEmails,
    SettleEmailsHandler,
)
from caddy_shopping.platform.executor import Executor

log = structlog.get_logger("notifications")


class Mailer:
    """Sends in small batches whenever it is woken. Two of them, in one process or two, share the work."""

    def __init__(
        self,
        run: Executor,
        claim: ClaimEmailsHandler,
        deliver: DeliverEmailsHandler,
        settle: SettleEmailsHandler,
        *,
        batch_size: int,
        gather_seconds: float,
        patience: float = 10.0,
    ) -> None:
        self._run = run
        self._claim = claim
        self._deliver = deliver
        self._settle = settle
        self._batch_size = batch_size
        self._gather_seconds = gather_seconds
        self._patience = patience
        self._awake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Say that a mail was queued. Costs nothing; called after the commit."""
        self._awake.set()

    async def start(self) -> None:
        """Begin, with what an earlier process left in the queue."""
        self._stopping.clear()
        self.wake()
        self._task = asyncio.create_task(self._loop(), name="mailer")

    async def stop(self) -> None:
        """Let the batch that is on its way finish, within `patience` seconds; start no other.

        A batch that is cut off stays claimed, and goes out again when its lease has run out.
        """
        self._stopping.set()
        self.wake()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=self._patience)
            for task in late:
                task.cancel()
                await asyncio.wait([task])
            self._task = None

    async def send_due(self) -> int:
        """Send one batch; how many mails it held."""
        batch = await self._run(self._claim, ClaimEmails(limit=self._batch_size))
        if batch.emails:
            outcomes = await self._run(self._deliver, DeliverEmails(batch=batch))
            await self._run(self._settle, SettleEmails(batch_id=batch.id, outcomes=outcomes))
        return len(batch.emails)

    async def send_all_due(self) -> None:
        """Send batches until the queue has nothing that is due."""
        while await self.send_due() == self._batch_size and not self._stopping.is_set():
            pass

    async def _loop(self) -> None:
        while True:
            await self._awake.wait()
            if not self._stopping.is_set():
                await self._gather()
            if self._stopping.is_set():
                return
            self._awake.clear()
            try:
                await self.send_all_due()
            except Exception:
                # The mails are still in the queue, and the job looks for them again: the loop must live.
                log.exception("mailer.failed")

    async def _gather(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), self._gather_seconds)
        except TimeoutError:
            return
