"""`caddy-shopping worker`: the relays and the jobs, without the web application."""

import asyncio
import signal

import structlog

from caddy_shopping.main.process import Process

log = structlog.get_logger("worker")


async def work(process: Process) -> None:
    """Deliver and run jobs until SIGTERM or SIGINT; what is under way is finished first."""
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, asked_to_stop.set)
    try:
        await process.migrate()
        await process.start()
        log.info("working", contexts=sorted(process.modules))
        await asked_to_stop.wait()
    finally:
        await process.stop()
