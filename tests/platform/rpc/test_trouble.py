"""Peers that are slow, half-open, lying or away: the deadline is kept, the load stays bounded, and it heals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from caddy_shopping.platform.rpc.breaker import FAILURES, PAUSE, SAVED, Breaker
from caddy_shopping.platform.rpc.client import TRIES
from caddy_shopping.platform.rpc.rules import deadline
from caddy_shopping.platform.rpc.server import RpcServer
from caddy_shopping.platform.rpc.wire import PeerUnavailable
from tests.platform.rpc.conftest import Prices, Shop, calling, nothing_here, serving, tokens
from tests.support.server import free_port

SLACK = 1.0
"""Seconds that a busy machine may add to a deadline."""


@asynccontextmanager
async def answering(raw: bytes | None, port: int = 0) -> AsyncIterator[tuple[str, list[int]]]:
    """A peer that answers each request with these bytes and hangs up; with None, never. And how often it was asked."""
    asked: list[int] = []
    over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        asked.append(1)
        if raw is None:
            await over.wait()
        else:
            writer.write(raw)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        over.set()
        server.close()


def http(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def test_one_that_never_answers_meets_the_deadline() -> None:
    async with answering(None) as (url, asked), calling(url) as prices:
        start = monotonic()
        with pytest.raises(PeerUnavailable):
            await prices.dawdle(seconds=0)
        assert 0.2 < monotonic() - start < 0.3 + SLACK
        assert len(asked) == 1


async def test_one_that_is_too_slow_meets_the_deadline(prices: Prices) -> None:
    assert await prices.dawdle(seconds=0.001) == 0.001
    start = monotonic()
    with pytest.raises(PeerUnavailable):
        await prices.dawdle(seconds=5)
    assert monotonic() - start < 0.3 + SLACK


@pytest.mark.parametrize(
    "raw",
    [
        http("500 Internal Server Error", b""),
        http("200 OK", b"<html>welcome</html>"),
        http("200 OK", b""),
        http("422 Unprocessable Content", b"\x80"),
        http("302 Found", b""),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
)
async def test_one_that_lies_is_not_believed(raw: bytes) -> None:
    async with answering(raw) as (url, asked), calling(url) as prices:
        with pytest.raises(PeerUnavailable):
            await prices.price(ids=[])
        assert len(asked) >= TRIES


async def test_who_is_waited_for_elsewhere_tries_once() -> None:
    async with answering(http("500 Oops", b"")) as (url, asked), calling(url) as prices:
        deadline.set(monotonic() + 1)
        with pytest.raises(PeerUnavailable):
            await prices.price(ids=[])
        assert len(asked) == 1


async def test_second_tries_stay_a_small_part_of_the_load() -> None:
    """With a peer that fails every third call the circuit stays closed; its load grows by what is saved and a tenth."""
    count = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        await reader.read(65536)
        count += 1
        writer.write(http("500 Oops", b"") if count % 3 == 0 else http("200 OK", b"\x90"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    calls = 400
    try:
        async with calling(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as prices:
            for _ in range(calls):
                try:
                    await prices.price(ids=[])
                except PeerUnavailable:
                    continue
    finally:
        server.close()
    assert calls < count <= calls * 1.1 + SAVED + 1


async def test_the_circuit_opens_and_closes_again(shop: Shop) -> None:
    port = free_port()
    async with calling(f"http://127.0.0.1:{port}") as prices:
        for _ in range(FAILURES):
            with pytest.raises(PeerUnavailable):
                await prices.price(ids=[])
        app = RpcServer(nothing_here, {"products": (Prices, shop)}, tokens("products"))
        async with serving(app, port):
            with pytest.raises(PeerUnavailable) as refused:
                await prices.price(ids=[])
            assert refused.value.retry_after == 1
            assert shop.calls == 0, "an open circuit asks nobody"
            await asyncio.sleep(PAUSE)
            assert await prices.price(ids=[]) == []
            assert await prices.price(ids=[]) == []


def test_while_one_call_looks_the_others_wait() -> None:
    now = 0.0
    breaker = Breaker("products", lambda: now)
    for _ in range(FAILURES):
        breaker.enter()
        breaker.failed()
    now = PAUSE + 0.1
    breaker.enter()
    with pytest.raises(PeerUnavailable):
        breaker.enter()
    breaker.succeeded()
    breaker.enter()
    breaker.enter()
