import zlib
from typing import Any

import brotli
import lz4.frame
import pytest
import zstandard

from caddy_shopping.platform.http.compression import MINIMUM, Compression, negotiate_encoding
from tests.platform.http.toy import Answer, a_scope, ask, make_world

DECODE = {
    "gzip": lambda body: zlib.decompress(body, 31),
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "lz4": lz4.frame.decompress,
}
LONG = b'{"data":"' + b"duck " * 1000 + b'"}'


def app_of(body: bytes | list[bytes], *headers: tuple[bytes, bytes], status: int = 200) -> Compression:
    chunks = [body] if isinstance(body, bytes) else body

    async def app(scope: Any, receive: Any, send: Any) -> None:
        typed = [(b"content-type", b"application/json")] if b"content-type" not in dict(headers) else []
        await send({"type": "http.response.start", "status": status, "headers": [*typed, *headers]})
        for number, chunk in enumerate(chunks):
            await send({"type": "http.response.body", "body": chunk, "more_body": number + 1 < len(chunks)})

    return Compression(app)


async def asked(app: Compression, accept: str | None = "gzip") -> Answer:
    return await ask(app, "GET", "/", {} if accept is None else {"accept-encoding": accept})


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("GZIP", "gzip"),
        ("lz4", "lz4"),
        ("lz4, gzip", "gzip"),
        ("lz4;q=1, gzip;q=0.9", "lz4"),
        ("*", "gzip"),
        ("*;q=0.5, gzip;q=0", ""),
        ("br;q=0", ""),
        ("identity, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip", "gzip"),
        ("gzip;q=nonsense", ""),
        ("gzip;level=3", "gzip"),
        ("deflate", ""),
        ("", ""),
    ],
)
def test_the_caller_chooses(accept: str, chosen: str) -> None:
    assert negotiate_encoding(accept.encode()) == chosen


@pytest.mark.parametrize("encoding", DECODE)
async def test_a_long_answer_is_compressed_as_asked(encoding: str) -> None:
    answer = await asked(app_of(LONG, (b"content-length", str(len(LONG)).encode()), (b"etag", b'"7"')), encoding)
    assert answer.headers["content-encoding"] == encoding
    assert answer.headers["content-length"] == str(len(answer.body))
    assert len(answer.body) < len(LONG) / 4
    assert DECODE[encoding](answer.body) == LONG
    assert answer.headers["etag"] == f'"7-{encoding}"'
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("encoding", DECODE)
async def test_a_stream_is_compressed_as_it_comes(encoding: str) -> None:
    answer = await asked(app_of([b"x" * 10, LONG, b"", b"y" * 10]), encoding)
    assert DECODE[encoding](answer.body) == b"x" * 10 + LONG + b"y" * 10
    assert "content-length" not in answer.headers


async def test_a_weak_tag_stays_as_it_is() -> None:
    assert (await asked(app_of(LONG, (b"etag", b'W/"7"')))).headers["etag"] == 'W/"7"'


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x" * (MINIMUM - 1), (), 200),
        (LONG, ((b"content-encoding", b"br"),), 200),
        (LONG, ((b"content-type", b"image/png"),), 200),
        (LONG, ((b"content-type", b"text/event-stream"),), 200),
        (LONG, ((b"cache-control", b"no-transform"),), 200),
        (LONG, (), 206),
        (b"", (), 304),
        (b"", (), 204),
    ],
)
async def test_what_must_not_be_compressed_is_left_alone(body: bytes, headers: Any, status: int) -> None:
    answer = await asked(app_of(body, (b"etag", b'"7"'), *headers, status=status))
    assert answer.body == body
    assert answer.headers["etag"] == '"7"'
    assert answer.headers.get("content-encoding", "").encode() == dict(headers).get(b"content-encoding", b"")


async def test_exactly_the_minimum_is_compressed() -> None:
    assert (await asked(app_of(b"x" * MINIMUM))).headers["content-encoding"] == "gzip"


async def test_an_answer_that_could_be_compressed_varies_even_if_it_is_not() -> None:
    answer = await asked(app_of(LONG, (b"etag", b'"7"')), None)
    assert (answer.body, answer.headers["etag"], answer.headers["vary"]) == (LONG, '"7"', "Accept-Encoding")


async def test_other_messages_pass() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.push"})
        seen.append(scope["type"])

    async def send(message: Any) -> None:
        seen.append(message["type"])

    async def receive() -> Any: ...

    await Compression(app)(a_scope("GET", "/"), receive, send)
    await Compression(app)({"type": "lifespan"}, receive, send)
    assert seen == ["http.response.push", "http", "lifespan"]


async def test_a_tag_of_a_compressed_answer_comes_back_well() -> None:
    world = make_world()
    path = "/api/v1/toys/popular"
    first = await world("GET", path, {"accept-encoding": "br"})
    assert first.headers["etag"].endswith('-br"')
    known = {"accept-encoding": "br", "if-none-match": first.headers["etag"]}
    world.app.cache.clear()
    for _ in range(3):
        again = await world("GET", path, known)
        assert (again.status, again.headers["etag"]) == (304, first.headers["etag"])


async def test_a_streamed_csv_of_the_application() -> None:
    answer = await make_world()("GET", "/api/v1/toys/stream", {"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert zlib.decompress(answer.body, 31).count(b"\n") == 200
