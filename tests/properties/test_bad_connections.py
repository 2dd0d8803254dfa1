"""Bytes that are no proper HTTP: the caller is told or cut off, nothing happens, and everybody else is served."""

import asyncio
import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.properties.conftest import NewCaller
from tests.support.journey import put_in, stock_up
from tests.support.refusals import calm_shop, unchanged
from tests.support.shop import ADDRESS, Caller, Shop

HEAD = b"Host: shop.example\r\nContent-Type: application/json\r\n"
GET = b"GET /api/health HTTP/1.1\r\nHost: shop.example\r\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with calm_shop(tmp_path_factory.mktemp("shop")) as running:
        yield running


async def exchange(shop: Shop, *sent: bytes, pause: float = 0.0, most: float = 10.0) -> bytes:
    """Send the pieces over one connection, and all that comes back until the shop closes it or stops talking."""
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    received = b""
    try:
        with contextlib.suppress(ConnectionError):  # being cut off is one of the answers
            for piece in sent:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            async with asyncio.timeout(most):
                while more := await reader.read(65_536):
                    received += more
    except TimeoutError:
        pass  # it keeps the connection open for more: what came so far is the answer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return received


def signed_in(caller: Caller) -> bytes:
    return b"Authorization: Bearer " + (caller.token or "").encode() + b"\r\n"


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def closing(request: bytes) -> bytes:
    """A whole request that asks for the connection to be closed after the answer."""
    return request + b"Connection: close\r\n\r\n"


async def test_a_proper_request_over_a_bare_connection_is_answered(shop: Shop) -> None:
    received = await exchange(shop, closing(GET))
    assert statuses(received) == [200]
    assert received.endswith(b'{"status":"ok"}')


GARBAGE = {
    "noise": bytes(range(256)) * 40,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    "another protocol": b"EHLO shop.example\r\nMAIL FROM:<eve@shop.example>\r\n\r\n",
    "no version": b"GET /api/health\r\n\r\n",
    "an unknown version": b"GET /api/health HTTP/9.9\r\nHost: a\r\n\r\n",
    "a blank in the header's name": GET + b"X Y: z\r\n\r\n",
    "a header without a colon": GET + b"nonsense\r\n\r\n",
    "a raw NUL in a header": GET + b"X-Request-Id: a\x00b\r\n\r\n",
    "a length that is none": b"POST /api/v1/cart/items HTTP/1.1\r\n" + HEAD + b"Content-Length: ten\r\n\r\n{}",
    "a negative length": b"POST /api/v1/cart/items HTTP/1.1\r\n" + HEAD + b"Content-Length: -1\r\n\r\n{}",
    "two lengths": b"POST /api/v1/cart/items HTTP/1.1\r\n" + HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a chunk that is none": (
        b"POST /api/v1/auth/login HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n"
    ),
    "an unknown transfer encoding": (
        b"POST /api/v1/auth/login HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: magic\r\n\r\n{}"
    ),
    "a header without end": GET + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "a flood of headers": GET + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n",
    "a path without end": b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("sent", GARBAGE.values(), ids=GARBAGE.keys())
async def test_what_is_no_http_is_refused_or_cut_off(shop: Shop, new: NewCaller, sent: bytes) -> None:
    async with unchanged(shop):
        received = await exchange(shop, sent, most=2)
        assert all(400 <= status < 500 or status == 505 for status in statuses(received)), received[:500]
        assert b'"status":"ok"' not in received
        assert (await new().get("api/health")).status == 200


async def test_garbage_behind_a_request_does_not_spoil_its_answer(shop: Shop) -> None:
    received = await exchange(shop, GET + b"\r\n" + b"\x00garbage\r\n\r\n", most=3)
    assert statuses(received)[0] == 200
    assert all(status == 400 for status in statuses(received)[1:])


async def test_pipelined_requests_are_answered_in_order(shop: Shop) -> None:
    nowhere = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n"
    received = await exchange(shop, GET + b"\r\n" + nowhere + b"\r\n" + closing(GET))
    assert statuses(received) == [200, 404, 200]


async def test_a_request_within_a_request_is_no_request(shop: Shop, admin: Caller) -> None:
    """With a length and chunks both given, two readers could disagree on where a request ends (RFC 9112 §6.3)."""
    inner = b"DELETE /api/v1/cart HTTP/1.1\r\nHost: a\r\n" + signed_in(admin) + b"\r\n"
    await put_in(admin, await stock_up(admin))
    chunked = b"POST /api/v1/auth/refresh HTTP/1.1\r\n" + HEAD
    length = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (len(inner) + 5)
    async with unchanged(shop):
        received = await exchange(shop, chunked + length + inner, most=3)
        assert statuses(received)[:1] in ([400], [])
    assert (await admin.get("/cart")).data["quantity"] == 1


PATHS = [
    b"/../../../../etc/passwd",
    b"/api/docs/../../../../etc/passwd",
    b"/api/docs/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    b"/api/docs/..%2f..%2f..%2fetc%2fpasswd",
    b"/api/docs/....//....//etc/passwd",
    b"/api/docs/%c0%ae%c0%ae/etc/passwd",
    b"/api/docs//etc/passwd",
    b"/api/v1/products/media/..%5c..%5cinstallation.secret",
    b"/api/v1/products/media/../../installation.secret",
    b"/api/v1/products/media/%2fetc%2fpasswd",
    b"/api/v1/products/media/%ff%fe",
    b"//etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
async def test_no_path_leads_out_of_the_shop(shop: Shop, path: bytes) -> None:
    received = await exchange(shop, closing(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n"))
    assert statuses(received) == [404], received
    assert b"application/problem+json" in received
    assert b"root:" not in received
    assert (shop.data_dir / "installation.secret").read_bytes() not in received


@pytest.mark.parametrize("method", [b"BREW", b"TRACE", b"CONNECT", b"get", b"PROPFIND", b"X" * 64])
async def test_methods_that_there_are_not(shop: Shop, method: bytes) -> None:
    async with unchanged(shop):
        received = await exchange(shop, closing(method + b" /api/v1/cart HTTP/1.1\r\nHost: a\r\n"))
        assert statuses(received) in ([405], [400], [404]), received
        assert b"Traceback" not in received.partition(b"\r\n\r\n")[0]


async def test_who_hangs_up_midway_has_ordered_nothing(shop: Shop, admin: Caller) -> None:
    await put_in(admin, await stock_up(admin))
    head = b"POST /api/v1/orders HTTP/1.1\r\n" + HEAD + signed_in(admin) + b"Idempotency-Key: midway\r\n"
    whole = json.dumps({"address": ADDRESS}).encode()
    size = b"%x\r\n" % len(whole)
    async with unchanged(shop):
        for part in (whole[:1], whole[:-1]):
            await exchange(shop, head + b"Content-Length: %d\r\n\r\n" % len(whole) + part, most=0.2)
        await exchange(shop, head + b"Transfer-Encoding: chunked\r\n\r\n" + size + whole[:-1], most=0.2)
        await exchange(shop, head + b"Transfer-Encoding: chunked\r\n\r\n" + size + whole + b"\r\n", most=0.2)
    received = await exchange(shop, head + b"Content-Length: %d\r\n\r\n" % len(whole) + whole, most=2)
    assert statuses(received) == [201], "whole, it is an order"


async def test_many_who_never_finish_do_not_keep_others_waiting(shop: Shop, new: NewCaller) -> None:
    slow = [await asyncio.open_connection("127.0.0.1", shop.port) for _ in range(200)]
    try:
        for _, writer in slow:
            writer.write(GET + b"X-Slow: ")
            await writer.drain()
        somebody = new()
        for _ in range(20):
            assert (await somebody.get("/products?limit=1")).status == 200
    finally:
        for _, writer in slow:
            writer.close()


async def test_none_of_this_was_a_fault_of_ours(shop: Shop, new: NewCaller) -> None:
    assert (await new().get("api/health/ready")).status == 200
    assert '"level":"error"' not in shop.output, shop.output[-3000:]
