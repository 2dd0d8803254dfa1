"""The parent's ends of a crowd's processes."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any

from caddy_shopping.main.verify.crowd import work
from caddy_shopping.main.verify.scratch import NotPossible, Scratch


def as_it_is() -> None:
    """Break nothing."""


class Member:
    """The parent's end of one process."""

    def __init__(self, scratch: Scratch, prepare: Callable[[], None]) -> None:
        # The shop's code is loaded once, by the process that all members are forks of.
        fork = multiprocessing.get_context("forkserver")
        fork.set_forkserver_preload([work.__module__])
        self._pipe: Connection
        self._pipe, theirs = fork.Pipe()
        self._process = fork.Process(target=work, args=(scratch, theirs, prepare), daemon=True)
        self._process.start()
        theirs.close()

    async def ask(self, *words: Any) -> Any:
        """Say a word of `Crowd` with its arguments; what it answers."""
        try:
            self._pipe.send(words)
            return await asyncio.to_thread(self._pipe.recv)
        except (EOFError, OSError) as fault:
            await asyncio.to_thread(self._process.join, 5)
            raise NotPossible(f"A process of the crowd ended (exit code {self._process.exitcode}).") from fault

    async def end(self) -> None:
        """Let it stop in order."""
        self._pipe.close()
        await asyncio.to_thread(self._process.join, 30)
        if self._process.is_alive():
            self._process.kill()


@asynccontextmanager
async def crowds_on(
    scratch: Scratch, processes: int, prepare: Callable[[], None] = as_it_is
) -> AsyncIterator[list[Member]]:
    """So many processes on one scratch. `prepare`, importable, runs first in each."""
    crowds = [Member(scratch, prepare) for _ in range(processes)]
    try:
        yield crowds
    finally:
        await asyncio.gather(*(each.end() for each in crowds))


async def tell(crowds: Sequence[Member], *words: Any) -> list[Any]:
    """Say the same to all at once; their answers."""
    return list(await asyncio.gather(*(each.ask(*words) for each in crowds)))
