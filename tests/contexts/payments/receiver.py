"""A tiny web server that takes webhooks, in whatever mood a test wants it to be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Receiver:
    """`moods` are the status codes of the next answers; when they are used up it says 200."""

    url: str = ""
    moods: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((headers, await request.read()))
        return web.Response(status=self.moods.pop(0) if self.moods else 200)

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@asynccontextmanager
async def listening(receiver: Receiver, port: int = 0) -> AsyncIterator[Receiver]:
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def until(met: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something is so; TimeoutError where it never is."""
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(0.005)
