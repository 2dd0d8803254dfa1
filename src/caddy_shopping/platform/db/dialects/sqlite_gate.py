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
import sqlite3
from concurrent.futures import ThreadPoolExecutor


class WriteGate:
    """One per database file and process. `timeout`: seconds a writer waits for its turn."""

    def __init__(self, path: str | None, timeout: float) -> None:
        self._log = None if path in (None, "", ":memory:") else f"{path}-wal"
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-sync")
        self._descriptor: int | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._syncing: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        """Wait for our turn to write, in the order of asking. Raises where it takes too long."""
        if not self._turn.locked():
            await self._turn.acquire()
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._turn.acquire()
        except TimeoutError:
            raise sqlite3.OperationalError("database is locked: too many writers in this process") from None

    def leave(self) -> None:
        """Let the next one in."""
        self._turn.release()

    async def durable(self) -> None:
        """Return once everything committed so far is on the disk."""
        if self._log is None:
            return
        synced = asyncio.get_running_loop().create_future()
        self._waiting.append(synced)
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._sync_while_asked())
        await synced

    async def _sync_while_asked(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            # Whoever comes during this sync may have written after it began: the next one is theirs.
            served, self._waiting = self._waiting, []
            fault: Exception | None = None
            try:
                await loop.run_in_executor(self._thread, self._sync)
            except OSError as failure:
                fault = sqlite3.OperationalError(f"disk I/O error: the log could not be synced: {failure}")
            for synced in served:
                if synced.done():
                    continue
                if fault is None:
                    synced.set_result(None)
                else:
                    synced.set_exception(fault)

    def _sync(self) -> None:
        log = str(self._log)
        current = os.stat(log)
        if self._descriptor is None or os.fstat(self._descriptor).st_ino != current.st_ino:
            # The last connection anywhere removes the log, and the next one makes another.
            self._close_descriptor()
            self._descriptor = os.open(log, os.O_RDONLY)
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        self._thread.shutdown()
        self._close_descriptor()

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
