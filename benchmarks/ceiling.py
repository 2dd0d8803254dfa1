"""The ceiling: a bare ASGI application under the same server, answering every request with the same bytes.

    python -m benchmarks.ceiling PORT BODY_FILE HEADERS_FILE

Nothing that is to be measured is in it: no routing, no parsing, no database. What the machine, the
load generator and the HTTP server allow is what it reaches.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server


def application(body: bytes, headers: list[tuple[bytes, bytes]]) -> Any:
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    end = {"type": "http.response.body", "body": body}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            await receive()
        await send(start)
        await send(end)

    return app


async def main(port: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    server = Server(
        application(body, headers),
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        backlog=1024,
        backpressure=1024,
        websockets=False,
        log_enabled=False,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


if __name__ == "__main__":
    listed = [(name.encode(), value.encode()) for name, value in json.loads(Path(sys.argv[3]).read_text())]
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), listed))
