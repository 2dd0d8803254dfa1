"""`caddy-shopping worker`: the relays and the jobs, without the shop's web application."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from caddy_shopping.main.listening import check_free, listening, server_of
from caddy_shopping.main.process import Process
from caddy_shopping.platform.http.health import health_app

log = structlog.get_logger("worker")


async def work(process: Process) -> None:
    """Deliver and run jobs until SIGTERM or SIGINT; what is under way is finished first."""
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, asked_to_stop.set)
    try:
        async with _telling_how_it_is(process):
            await process.migrate()
            await process.start()
            log.info("working", contexts=sorted(process.modules))
            await asked_to_stop.wait()
            process.health.stopping = True
    finally:
        await process.stop()


@asynccontextmanager
async def _telling_how_it_is(process: Process) -> AsyncIterator[None]:
    """Answer about health and metrics on `worker_port`, where there is one."""
    host, port = process.settings.host, process.settings.worker_port
    if port is None:
        yield
        return
    check_free(host, port)
    server = server_of(health_app(process.health, process.metrics), host, port)
    serving: asyncio.Task[Any] = asyncio.create_task(server.serve())
    await listening(host, port, serving)
    try:
        yield
    finally:
        server.stop()  # type: ignore[no-untyped-call]  # granian leaves it untyped
        # Whoever does not end a question does not hold up the stop.
        await asyncio.wait({serving}, timeout=process.settings.drain_seconds)
