"""HTTP inside the process (ADR 2): the server's start, as `serve` and `worker` share it."""

import asyncio
import socket
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from caddy_shopping.platform.settings import SettingsWrong

BACKLOG = 1024


class AddressInUse(SettingsWrong):
    """Somebody else listens there."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"Port {port} on {host} is taken. Stop what listens there, or choose another: --port 3001.")


def server_of(app: Any, host: str, port: int) -> Server:
    """A server that is not running yet; `serve()` is its whole life, `stop()` ends it."""
    return Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        backlog=BACKLOG,
        backpressure=BACKLOG,
        websockets=False,
        log_enabled=False,
    )


def check_free(host: str, port: int) -> None:
    """Say so before any work is done. Raises `AddressInUse`."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise AddressInUse(host, port) from None


async def listening(host: str, port: int, serving: asyncio.Task[Any]) -> None:
    """Return once `serving` takes connections. Raises what it ended with, where it ended."""
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return
    await serving
