"""`caddy-shopping serve`: from nothing to answering, and back to nothing without losing anything."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Set
from typing import Any

import structlog

from caddy_shopping.main.listening import check_free, listening, server_of
from caddy_shopping.main.process import Process
from caddy_shopping.platform.settings import Settings

log = structlog.get_logger("serve")


async def serve(
    process: Process,
    *,
    prepare: Callable[[Process], Awaitable[None]],
    announce: Callable[[str], None],
    work: bool = True,
) -> None:
    """Prepare, listen, and run until SIGTERM or SIGINT; a signal during the preparation ends it too."""
    settings = process.settings
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, asked_to_stop.set)
    check_free(settings.host, settings.port)
    try:
        if await _unless(asked_to_stop, prepare(process)):
            await process.start(work=work)
            _settle_memory()
            await _listen(process, settings, asked_to_stop, announce)
    finally:
        await process.stop()


def _settle_memory() -> None:
    """What is built by now lives as long as the process: the collector need not look at it again."""
    gc.freeze()


async def _unless(asked_to_stop: asyncio.Event, preparation: Awaitable[None]) -> bool:
    """Await `preparation`. False, with it cancelled, when the stop came first."""
    task = asyncio.ensure_future(preparation)
    stop = asyncio.ensure_future(asked_to_stop.wait())
    await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        stop.cancel()
        await task
        return not asked_to_stop.is_set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return False


async def _listen(
    process: Process, settings: Settings, asked_to_stop: asyncio.Event, announce: Callable[[str], None]
) -> None:
    server = server_of(process.app, settings.host, settings.port)
    serving: asyncio.Task[Any] = asyncio.create_task(server.serve())
    await listening(settings.host, settings.port, serving)
    announce(settings.url)
    stop = asyncio.create_task(asked_to_stop.wait())
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    process.health.stopping = True
    if not serving.done():
        log.info("stopping", drain_seconds=settings.drain_seconds)
        await asyncio.sleep(settings.notice_seconds)
        server.stop()  # type: ignore[no-untyped-call]  # granian leaves it untyped
    await _drained(serving, process.app.under_way, settings)


async def _drained(serving: asyncio.Task[Any], under_way: Set[asyncio.Task[Any]], settings: Settings) -> None:
    """Let requests finish. One that its caller never ends does not hold up the stop, nor make it a failure."""
    await asyncio.wait({serving}, timeout=settings.drain_seconds)
    if not serving.done():
        log.warning("requests cut short", requests=len(under_way))
        for task in under_way:
            task.cancel()
        await asyncio.wait({serving}, timeout=1)
    if serving.done():
        await serving
