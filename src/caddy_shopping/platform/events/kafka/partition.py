"""The records of one partition that are under way: in order within a key, side by side otherwise."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from caddy_shopping.platform.events.reactions import DeliveryStopped

log = structlog.get_logger("kafka")
AGAIN = 1.0
"""Seconds until an event is tried again that could be neither handled nor buried (the database may be away)."""
Work = Callable[[asyncio.Event], Awaitable[None]]
"""Handles one record; gives up with `DeliveryStopped` where it would have to wait although the event is set."""


class Partition:
    """What this process has of a partition, until it is another's. `changed` is called whenever a record is done."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._given_up = asyncio.Event()
        # In the order of offsets, as they were taken: the first is the oldest that is not done.
        self._open: dict[int, None] = {}
        self._after: int | None = None
        self._lanes: dict[bytes | None, deque[tuple[int, Work]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> int:
        """Records taken and not done."""
        return len(self._open)

    @property
    def done(self) -> int | None:
        """The offset before which everything is done: what may be committed. None before the first record."""
        return next(iter(self._open), self._after)

    def skip(self, offset: int) -> None:
        """Count a record that nobody asked for as done."""
        self._after = offset + 1

    def take(self, offset: int, key: bytes | None, work: Work) -> None:
        """Do the work of a record, after that of those with its key that were taken before."""
        self._open[offset] = None
        self._after = offset + 1
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append((offset, work))
            return
        self._lanes[key] = deque([(offset, work)])
        task = asyncio.create_task(self._drive(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def leave(self) -> None:
        """Finish the tries under way and begin no other; `done` is final then."""
        self._given_up.set()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _drive(self, key: bytes | None) -> None:
        lane = self._lanes[key]
        while lane and not self._given_up.is_set():
            offset, work = lane[0]
            try:
                await work(self._given_up)
            except DeliveryStopped:
                break
            except Exception:
                log.exception("event.undelivered", offset=offset)
                await self._wait(AGAIN)
                continue
            lane.popleft()
            del self._open[offset]
            self._changed()
        del self._lanes[key]

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._given_up.wait(), seconds)
        except TimeoutError:
            return
