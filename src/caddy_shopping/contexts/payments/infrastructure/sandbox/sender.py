"""Sends the sandbox's webhooks over HTTP until somebody says 2xx."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog

from caddy_shopping.contexts.payments.infrastructure.sandbox.mailbox import Mailbox, Outgoing
from caddy_shopping.kernel.clock import Clock
from caddy_shopping.platform.security.signatures import WebhookSecrets

log = structlog.get_logger("payments.sandbox")
GATHER_SECONDS = 0.1
"""Deliveries are marked together, this long after the first. A crash before only sends them again."""
STOP_SECONDS = 5


class Poster(Protocol):
    """Takes a webhook to its receiver."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        """None once it was taken, else what came instead."""

    async def close(self) -> None: ...


class Sender:
    """At least once, in no promised order, with growing pauses between the tries.

    What was just made is pushed to it and goes out within milliseconds; what others left behind, what
    was refused and what is due later it finds by looking every `poll` seconds.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        secrets: WebhookSecrets,
        url: Callable[[], str],
        clock: Clock,
        *,
        poll: float = 1.0,
        retry: float = 1.0,
        retry_limit: float = 3600.0,
    ) -> None:
        self._mailbox = mailbox
        self._secrets = secrets
        self._url = url
        self._clock = clock
        self._poll, self._retry, self._retry_limit = poll, retry, retry_limit
        self._poster: Poster | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[UUID] = set()
        self._delivered: list[UUID] = []
        self._looking: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        self._looking = asyncio.create_task(self._look(), name="sandbox-webhooks")

    async def stop(self) -> None:
        """Take nothing new, finish what is on its way, and say what was delivered."""
        looking, self._looking = self._looking, None
        if looking is None:
            return
        self._stopping.set()
        _, late = await asyncio.wait([looking, *self._tasks], timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        await self._mark()
        if self._poster is not None:
            await self._poster.close()

    def push(self, webhooks: Sequence[Outgoing]) -> None:
        """Send these now, one after another. Before `start` nothing happens: they are rows, and are found later."""
        if self._looking is not None and webhooks:
            self._busy.update(webhook.id for webhook in webhooks)
            self._spawn(self._send(webhooks))

    async def _look(self) -> None:
        while not self._stopping.is_set():
            try:
                for webhook in await self._mailbox.due(self._clock.now(), self._busy):
                    self.push([webhook])
            except Exception:
                # The database may be away for a while; the rows wait.
                log.exception("sandbox.look_failed")
            try:
                await asyncio.wait_for(self._stopping.wait(), self._poll)
            except TimeoutError:
                continue

    async def _send(self, webhooks: Sequence[Outgoing]) -> None:
        waiting = {webhook.id for webhook in webhooks}
        try:
            for webhook in webhooks:
                fault = await self._post(webhook)
                if fault is None:
                    waiting.discard(webhook.id)
                    self._done(webhook.id)
                    continue
                log.warning(
                    "sandbox.webhook_refused", event_id=webhook.event_id, attempts=webhook.attempts, error=fault
                )
                await self._mailbox.refused(webhook.id, self._clock.now() + self._pause(webhook.attempts))
        finally:
            self._busy.difference_update(waiting)

    async def _post(self, webhook: Outgoing) -> str | None:
        signed = self._secrets.sign(webhook.event_id, webhook.body, self._clock.now())
        headers = {"content-type": "application/json", "user-agent": "caddy-shopping-sandbox", **signed}
        if self._poster is None:
            # Its HTTP client takes a tenth of a start to load, and is the sandbox's alone.
            from caddy_shopping.contexts.payments.infrastructure.sandbox.posting import HttpPoster

            self._poster = HttpPoster()
        return await self._poster.post(self._url(), webhook.body, headers)

    def _pause(self, attempts: int) -> timedelta:
        longest = min(self._retry * 2 ** min(attempts, 20), self._retry_limit)
        return timedelta(seconds=longest * random.uniform(0.5, 1.0))

    def _done(self, webhook_id: UUID) -> None:
        self._delivered.append(webhook_id)
        if len(self._delivered) == 1:
            self._spawn(self._mark_soon())

    async def _mark_soon(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        await self._mark()

    async def _mark(self) -> None:
        ids, self._delivered = self._delivered, []
        if ids:
            try:
                await self._mailbox.delivered(ids, self._clock.now())
            finally:
                self._busy.difference_update(ids)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("sandbox.sending_failed", error=repr(fault))
