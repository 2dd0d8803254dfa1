"""One transaction for several who write at the same time: one BEGIN, their statements, one COMMIT.

A transaction costs more than the row or two that a reaction to an event writes in it. Nobody waits for company: whoever
comes while a transaction is under way goes with the next. They write one after another, each until it asks for its
commit, and all are told of the one COMMIT. Where one fails nothing of any of them is kept, and each of the others is
told `Separated`, to try again in a transaction of its own.

For those that only add rows: they wait for no lock, so it harms nobody that what they hold is held a little longer.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from caddy_shopping.platform.db.lines import NONE, Writing
from caddy_shopping.platform.db.prepared import Parameters, Prepared, Rows

MOST = 100
"""How many share one transaction."""


class Separated(Exception):
    """Another one in the transaction failed, or its COMMIT did: nothing was kept."""


class Together:
    """The shared transactions of one database, one after another."""

    def __init__(self, open_writing: Callable[[], Writing]) -> None:
        self._open = open_writing
        self._waiting: deque[Share] = deque()
        self._serving: asyncio.Task[None] | None = None

    def share(self, mark: Prepared, row: Parameters) -> "Share":
        """A part of the next transaction. `mark` is an INSERT of `row`, sent ahead for all at once."""
        return Share(self._join, mark, row)

    def _join(self, share: "Share") -> None:
        self._waiting.append(share)
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="together")

    async def _serve(self) -> None:
        try:
            while self._waiting:
                shares = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                await self._commit([share for share in shares if not share.over])
        finally:
            self._serving = None

    async def _commit(self, shares: Sequence["Share"]) -> None:
        kept = False
        try:
            # Not said here: each finds out alone what is wrong, or that the inbox has its event and nothing is.
            with suppress(Exception):
                async with self._open() as writing:
                    await _mark(writing, shares)
                    for share in shares:
                        await share.write(writing)
                kept = True
        finally:
            for share in shares:
                share.tell(kept)


async def _mark(writing: Writing, shares: Sequence["Share"]) -> None:
    marks: dict[Prepared, list[Parameters]] = {}
    for share in shares:
        marks.setdefault(share.mark, []).append(share.row)
    for statement, rows in marks.items():
        await writing.run(statement, rows)


class Share(Writing):
    """One's part of a transaction. `commit` ends it, and returns once the whole is safe."""

    def __init__(self, join: Callable[["Share"], None], mark: Prepared, row: Parameters) -> None:
        super().__init__()
        self.mark, self.row = mark, row
        self._join = join
        loop = asyncio.get_running_loop()
        self._turn: asyncio.Future[Writing | None] = loop.create_future()
        self._written: asyncio.Future[bool] = loop.create_future()
        self._kept: asyncio.Future[bool] = loop.create_future()
        self._writing: Writing | None = None

    @property
    def over(self) -> bool:
        """Whether it was given up before it began."""
        return self._written.done()

    async def write(self, writing: Writing) -> None:
        """Lend the transaction until the part is written. Raises `Separated` where it was given up."""
        _tell(self._turn, writing)
        if not await self._written:
            raise Separated

    def tell(self, kept: bool) -> None:
        """Say what became of the whole."""
        _tell(self._turn, None)
        _tell(self._kept, kept)

    async def begin(self) -> None:
        """Wait for our turn. Raises `Separated`."""
        self._join(self)
        self._writing = await self._turn
        if self._writing is None:
            raise Separated

    async def run(self, statement: Prepared, parameters: Parameters | Sequence[Parameters] = NONE) -> Rows:
        return await self._lent().run(statement, parameters)

    async def lock(self, statement: Prepared, parameters: Parameters = NONE) -> None:
        await self._lent().lock(statement, parameters)

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return await self._lent().execute(statement, parameters)

    async def commit(self) -> None:
        """Raises `Separated`."""
        await self.flush()
        self._leave(written=True)
        if not await self._kept:
            raise Separated

    async def rollback(self) -> None:
        self._leave(written=False)

    def _leave(self, *, written: bool) -> None:
        self._writing = None
        if self._session is not None:
            self._session.expunge_all()
        _tell(self._written, written)

    def _connection(self) -> AsyncConnection:
        return self._lent()._connection()

    def _lent(self) -> Writing:
        if self._writing is None:
            raise RuntimeError("this transaction is over, or was never begun")
        return self._writing


def _tell(waiter: "asyncio.Future[Any]", what: object) -> None:
    if not waiter.done():
        waiter.set_result(what)
