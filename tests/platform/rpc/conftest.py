"""A contract, answered over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol
from uuid import UUID

import msgspec
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from caddy_shopping.kernel.clock import SystemClock
from caddy_shopping.kernel.errors import Conflict, Detail
from caddy_shopping.kernel.money import Money
from caddy_shopping.kernel.remote import answers_within
from caddy_shopping.platform.execution import acting
from caddy_shopping.platform.http.asgi import App, Receive, Scope, Send
from caddy_shopping.platform.rpc.client import Peers
from caddy_shopping.platform.rpc.rules import deadline
from caddy_shopping.platform.rpc.server import RpcServer
from caddy_shopping.platform.rpc.tokens import ServiceTokens
from tests.support.server import free_port

KEY = b"0123456789abcdef0123456789abcdef"


class SoldOut(Conflict):
    code = "TOY_SOLD_OUT"
    en = "No {what} left."
    zh = "{what} 已售罄。"


class Priced(msgspec.Struct, frozen=True, rename="camel"):
    item_id: UUID
    price: Money


class Prices(Protocol):
    async def price(self, *, ids: list[UUID]) -> list[Priced]: ...

    async def missing(self, *, item: UUID) -> Money | None: ...

    async def refuse(self, *, what: str) -> None: ...

    async def fail(self) -> None: ...

    @answers_within(0.3)
    async def dawdle(self, *, seconds: float) -> float: ...


class Shop:
    """Answers `Prices` and remembers how it was asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.actors: list[Any] = []
        self.left: list[float] = []

    async def price(self, *, ids: list[UUID]) -> list[Priced]:
        self.calls += 1
        self.actors.append(acting.get())
        end = deadline.get()
        self.left.append(-1.0 if end is None else end - asyncio.get_running_loop().time())
        return [Priced(each, Money(5, "CNY")) for each in ids]

    async def missing(self, *, item: UUID) -> Money | None:
        return None

    async def refuse(self, *, what: str) -> None:
        raise SoldOut(what=what, details=[Detail("/lines/0", "TOY", "gone")], retry_after=7)

    async def fail(self) -> None:
        self.calls += 1
        raise ZeroDivisionError

    async def dawdle(self, *, seconds: float) -> float:
        self.calls += 1
        await asyncio.sleep(seconds)
        return seconds


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"elsewhere", "more_body": False})


@asynccontextmanager
async def serving(app: App, port: int) -> AsyncIterator[str]:
    """`app` under the shop's own server."""
    server = Server(
        app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False
    )
    task = asyncio.create_task(server.serve())
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()  # type: ignore[no-untyped-call]  # granian leaves it untyped
        await task


def tokens(me: str, key: bytes = KEY) -> ServiceTokens:
    return ServiceTokens(key, me, SystemClock())


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def url(shop: Shop) -> AsyncIterator[str]:
    app = RpcServer(nothing_here, {"products": (Prices, shop)}, tokens("products"))
    async with serving(app, free_port()) as address:
        yield address


@asynccontextmanager
async def calling(url: str, key: bytes = KEY) -> AsyncIterator[Prices]:
    peers = Peers({"products": url}, tokens("orders", key))
    try:
        yield peers.stub(Prices, "products")
    finally:
        await peers.close()


@pytest.fixture
async def prices(url: str) -> AsyncIterator[Prices]:
    async with calling(url) as stub:
        yield stub
