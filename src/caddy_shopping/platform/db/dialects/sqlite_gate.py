"""The gate of SQLite's one writer: who writes next, and when what was written is safe.

With `synchronous=FULL` every COMMIT waits for its own fsync while all other writers wait behind it. Here a
commit appends to the write-ahead log without waiting (`synchronous=NORMAL`), lets the next writer in, and
only then waits until the log has been synced *after* it. One sync serves everybody who waits (group commit,
as PostgreSQL and InnoDB do it), and still nothing is acknowledged before it is on the disk.

Sound because the log is one file, written in order: who saw another's commit comes after it in the log, so
whatever is acknowledged rests on acknowledged ground. SQLite itself syncs the log before a checkpoint and
when it starts the log anew (https://www.sqlite.org/wal.html).
"""

import asyncio
import os
import queue
import sqlite3
import threading
from collections import deque

import structlog

log = structlog.get_logger("sqlite")


class WriteGate:
    """One per database file and process. `timeout`: seconds a writer waits for its turn."""

    def __init__(self, path: str | None, timeout: float) -> None:
        self._log = None if path in (None, "", ":memory:") else f"{path}-wal"
        self._timeout = timeout
        self._loop: asyncio.AbstractEventLoop | None = None
        self._taken = False
        self._queue: deque[asyncio.Future[None]] = deque()
        self._orders: queue.SimpleQueue[asyncio.AbstractEventLoop | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._descriptor: int | None = None
        self._stale = True
        self._unsynced: list[asyncio.Future[None]] = []
        self._serving: list[asyncio.Future[None]] | None = None
        self._fault: str | None = None

    async def enter(self) -> None:
        """Wait for our turn to write, in the order of asking. Raises where it takes too long."""
        self._refuse_if_broken()
        self._loop = loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            return
        turn = loop.create_future()
        self._queue.append(turn)
        alarm = loop.call_later(self._timeout, _too_late, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # It became our turn and we were cancelled in the same moment: pass it on.
                self.leave()
            raise
        finally:
            alarm.cancel()

    def leave(self) -> None:
        """Let the next one in: the turn goes straight to them, nobody can slip in between.

        A connection that was dropped may be collected in any thread; the turn is passed on in the loop's.
        """
        loop = self._loop
        if loop is None or loop is _running_loop():
            self._pass_on()
        elif loop.is_closed():
            self._taken = False
        else:
            loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False

    async def durable(self) -> None:
        """Return once everything committed so far is on the disk."""
        if self._log is None:
            return
        self._refuse_if_broken()
        loop = asyncio.get_running_loop()
        synced = loop.create_future()
        self._unsynced.append(synced)
        if self._serving is None:
            self._start_sync(loop)
        await synced

    def _start_sync(self, loop: asyncio.AbstractEventLoop) -> None:
        self._serving, self._unsynced = self._unsynced, []
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sqlite-sync", daemon=True)
            self._thread.start()
        self._orders.put(loop)

    def _work(self) -> None:
        """The thread: one sync for each order. A queue and a callback, since an executor costs more than the sync."""
        while (loop := self._orders.get()) is not None:
            fault: Exception | None = None
            try:
                self._sync()
            except Exception as failure:
                fault = failure
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._synced, loop, fault)

    def _synced(self, loop: asyncio.AbstractEventLoop, fault: Exception | None) -> None:
        served, self._serving = self._serving or [], None
        if fault is not None:
            self._break(f"disk I/O error: the log could not be synced: {fault}", served)
            return
        for synced in served:
            _tell(synced)
        if self._unsynced:
            # Whoever came during this sync may have written after it began: the next one is theirs.
            self._start_sync(loop)

    def _break(self, fault: str, served: list[asyncio.Future[None]]) -> None:
        """After a failed sync the system may have dropped what it could not write, and a later sync would
        succeed without it. So nothing is acknowledged any more: a new process finds the log as it really is
        (PostgreSQL stops for the same reason).
        """
        self._fault = fault
        log.critical("sqlite.log_not_synced", error=fault, remedy="restart the process; check the disk")
        unsynced, self._unsynced = self._unsynced, []
        for synced in served + unsynced:
            _tell(synced, sqlite3.OperationalError(fault))

    def _refuse_if_broken(self) -> None:
        if self._fault is not None:
            raise sqlite3.OperationalError(self._fault)

    def log_may_be_new(self) -> None:
        """Said when a writer connects: the last connection anywhere removes the log, the next one makes another."""
        self._stale = True

    def _sync(self) -> None:
        if self._stale or self._descriptor is None:
            self._stale = False
            self._close_descriptor()
            self._descriptor = os.open(str(self._log), os.O_RDONLY)
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Nobody writes any more; a commit that still waits is told that it is not known to be safe."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join()
        self._close_descriptor()
        for synced in [*(self._serving or ()), *self._unsynced]:
            _tell(synced, sqlite3.OperationalError("disk I/O error: the database was closed before the sync"))

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _tell(waiter: asyncio.Future[None], fault: Exception | None = None) -> None:
    if waiter.done():
        return
    if fault is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(fault)


def _too_late(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(sqlite3.OperationalError("database is locked: too many writers in this process"))
