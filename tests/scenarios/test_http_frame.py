"""What every answer has around it: encodings, caching, CORS, security, ids, languages, metrics, logs."""

import gzip
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import brotli
import jwt
import lz4.frame
import pytest
import zstandard
from prometheus_client.parser import text_string_to_metric_families

from tests.scenarios.conftest import NewCaller
from tests.support.furnished import running_shop
from tests.support.journey import stock_up
from tests.support.refusals import refused
from tests.support.shop import Answer, Caller, Shop, eventually
from tests.support.topologies import one_process

ORIGIN = "https://shop.example"
LISTING = "/api/v1/products?limit=24"
SNAPSHOT = Path(__file__).parents[1] / "architecture" / "openapi.json"
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One that lets a page of another origin in, and logs every request."""
    environment = {"SHOP_HTTP_CORS_ORIGINS": ORIGIN, "SHOP_HTTP_ACCESS_LOG": "all", "SHOP_HTTP_HSTS_SECONDS": "600"}
    with running_shop(tmp_path_factory.mktemp("shop"), environment) as running:
        yield running


@pytest.fixture
async def ask(shop: Shop) -> AsyncIterator[Ask]:
    """One request as it is, and the answer's bytes as they came."""
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as http:

        async def asked(method: str, path: str, **headers: str) -> Answer:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            async with http.request(method, shop.url + path, headers=sent) as answer:
                return Answer(answer.status, answer.headers, await answer.read(), None)

        yield asked


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    "lz4": lz4.frame.decompress,
}


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("zstd, br, gzip", "zstd"),
        ("br, gzip", "br"),
        ("gzip", "gzip"),
        ("lz4", "lz4"),
        ("gzip;q=0.5, br;q=0.9", "br"),
        ("gzip, lz4", "gzip"),
        ("*", "gzip"),
        ("deflate, *;q=0.1", "gzip"),
    ],
)
async def test_the_caller_chooses_how_answers_are_compressed(ask: Ask, accepted: str, encoding: str) -> None:
    plain = await ask("GET", LISTING)
    answer = await ask("GET", LISTING, Accept_Encoding=accepted)
    assert answer.headers["Content-Encoding"] == encoding
    assert DECODERS[encoding](answer.raw) == plain.raw
    assert len(answer.raw) < len(plain.raw) / 2
    assert int(answer.headers["Content-Length"]) == len(answer.raw)
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "accepted", [None, "identity", "deflate", "gzip;q=0", "*;q=0", "identity, gzip;q=0.5", "nonsense;q=x", ""]
)
async def test_who_asks_for_nothing_gets_it_plain(ask: Ask, accepted: str | None) -> None:
    headers = {} if accepted is None else {"Accept_Encoding": accepted}
    answer = await ask("GET", LISTING, **headers)
    assert "Content-Encoding" not in answer.headers
    assert json.loads(answer.raw)["data"]


async def test_lz4_is_for_those_who_name_it(ask: Ask) -> None:
    assert (await ask("GET", LISTING, Accept_Encoding="*, lz4;q=0")).headers["Content-Encoding"] == "gzip"
    assert (await ask("GET", LISTING, Accept_Encoding="lz4")).headers["Content-Encoding"] == "lz4"


async def test_small_answers_stay_as_they_are(ask: Ask) -> None:
    answer = await ask("GET", "/api/health", Accept_Encoding="zstd, br, gzip, lz4")
    assert len(answer.raw) < 1024
    assert "Content-Encoding" not in answer.headers


async def test_a_version_that_is_known_is_not_sent_again(ask: Ask) -> None:
    whole = await ask("GET", LISTING)
    assert re.fullmatch(r"public, max-age=\d+", whole.headers["Cache-Control"])
    known = await ask("GET", LISTING, If_None_Match=whole.headers["ETag"])
    assert (known.status, known.raw) == (304, b"")
    assert known.headers["ETag"] == whole.headers["ETag"]
    assert known.headers["Cache-Control"] == whole.headers["Cache-Control"]
    assert (await ask("GET", LISTING, If_None_Match='"another"')).status == 200
    assert (await ask("GET", LISTING, If_None_Match="*")).status == 304
    assert (await ask("GET", LISTING, If_None_Match=f'W/{whole.headers["ETag"]}, "x"')).status == 304


async def test_each_encoding_has_a_tag_of_its_own_that_is_known_again(ask: Ask) -> None:
    tags = {}
    for encoding in ("identity", *DECODERS):
        answer = await ask("GET", LISTING, Accept_Encoding=encoding)
        tags[encoding] = answer.headers["ETag"]
        again = await ask("GET", LISTING, Accept_Encoding=encoding, If_None_Match=answer.headers["ETag"])
        assert again.status == 304
    assert len(set(tags.values())) == 5


async def test_a_change_is_seen_at_once_and_has_another_tag(admin: Caller, new: NewCaller) -> None:
    goods = await stock_up(admin, "Before")
    somebody = new()
    path = f"/products/{goods.slug}"
    before = await somebody.get(path)
    version = (await admin.get(f"/admin/products/{goods.product_id}")).data["version"]
    changed = await admin.ask("PATCH", f"/admin/products/{goods.product_id}", {"title": "After"}, if_match=version)
    assert changed.status == 200

    async def look() -> Answer | None:
        answer = await somebody.get(path, headers={"If-None-Match": before.headers["ETag"]})
        return answer if answer.status == 200 else None

    after = await eventually(look)
    assert after.data["title"] == "After"
    assert after.headers["ETag"] != before.headers["ETag"]


async def test_what_is_private_is_kept_by_nobody(new: NewCaller) -> None:
    guest = await new().sign_in_as_guest()
    for path in ("/cart", "/orders", "/users/me", "/notifications"):
        answer = await guest.get(path)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "private, no-cache", path
    assert (await new().post("/auth/guest")).headers["Cache-Control"] == "no-store"
    assert (await new().get("/cart")).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [LISTING, "/api/health", "/api/openapi.json", "/api/v1/nowhere"])
async def test_head_is_get_without_the_body(ask: Ask, path: str) -> None:
    whole, head = await ask("GET", path), await ask("HEAD", path)
    assert (head.status, head.raw) == (whole.status, b"")
    for name in ("Content-Type", "ETag", "Content-Length", "Cache-Control"):
        if path.endswith("nowhere") and name == "Content-Length":
            continue  # it says who asked how, HEAD or GET
        assert head.headers.get(name) == whole.headers.get(name), name


async def test_a_page_of_an_allowed_origin_may_ask_everything(ask: Ask) -> None:
    answer = await ask(
        "OPTIONS",
        "/api/v1/orders",
        Origin=ORIGIN,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="authorization, idempotency-key",
    )
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert allowed == [
        "Authorization", "Content-Type", "Accept-Language", "Idempotency-Key", "If-Match",
        "X-Requested-With", "X-Request-Id", "X-Trace-Id",
    ]  # fmt: skip
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Credentials" not in answer.headers
    plain = await ask("GET", LISTING, Origin=ORIGIN)
    assert plain.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert {"ETag", "Retry-After", "X-Request-Id"} <= set(plain.headers["Access-Control-Expose-Headers"].split(", "))
    assert "Origin" in ", ".join(plain.headers.getall("Vary"))


@pytest.mark.parametrize(
    "origin", ["https://eve.example", "http://shop.example", "null", "https://shop.example.eve.example"]
)
async def test_a_page_of_another_origin_may_nothing(ask: Ask, origin: str) -> None:
    preflight = await ask("OPTIONS", "/api/v1/orders", Origin=origin, Access_Control_Request_Method="POST")
    for answer in (preflight, await ask("GET", LISTING, Origin=origin)):
        assert not [name for name in answer.headers if name.lower().startswith("access-control-allow")]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", LISTING, 200),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/api/v1/cart", 401),
        ("PUT", "/api/v1/products", 405),
        ("OPTIONS", "/api/v1/products", 204),
        ("GET", "/api/docs", 200),
        pytest.param("GET", "/metrics", 200, marks=one_process),
    ],
)
async def test_every_answer_has_the_headers_that_protect(ask: Ask, method: str, path: str, status: int) -> None:
    answer = await ask(method, path)
    assert answer.status == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Strict-Transport-Security"] == "max-age=600; includeSubDomains"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer.headers["X-Request-Id"])


def logged(shop: Shop, request: str) -> list[dict[str, Any]]:
    """The log's lines about one request."""
    lines = [line for line in shop.output.splitlines() if request in line]
    return [json.loads(line) for line in lines]


async def test_a_request_id_goes_in_and_out_into_the_error_and_the_log(shop: Shop, ask: Ask) -> None:
    ours = f"scenario-{uuid4().hex}"
    answer = await ask("GET", "/api/v1/nowhere", X_Request_Id=ours)
    assert answer.headers["X-Request-Id"] == ours
    assert json.loads(answer.raw)["requestId"] == ours
    (line,) = await eventually(lambda: _said(shop, ours))
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/nowhere", 404)


async def _said(shop: Shop, request: str) -> list[dict[str, Any]]:
    return logged(shop, request)


@pytest.mark.parametrize("odd", ["a b", "x" * 65, '"quoted"', "<b>", "ünicode"])
async def test_an_odd_request_id_is_replaced(shop: Shop, ask: Ask, odd: str) -> None:
    answer = await ask("GET", "/api/v1/nowhere", X_Request_Id=odd)
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert json.loads(answer.raw)["requestId"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("wished", "language"),
    [
        (None, "en"),
        ("en-GB", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-TW", "zh"),
        ("fr, zh;q=0.5, en;q=0.4", "zh"),
        ("fr, en;q=0.5, zh;q=0.4", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("zh;q=0, en", "en"),
        ("garbage;;q=x,,", "en"),
    ],
)
async def test_messages_are_in_the_callers_language(new: NewCaller, wished: str | None, language: str) -> None:
    answer = await new().get("/products/nothing-of-the-kind", headers={"Accept-Language": wished or ""})
    problem = refused(answer, 404, "PRODUCT_NOT_FOUND", language=language)
    assert "Accept-Language" in answer.headers["Vary"]
    assert problem["detail"] == "There is no such product."


async def numbers(ask: Ask) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """What `/metrics` says: by name, the value for each set of labels."""
    answer = await ask("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(answer.raw.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def labelled(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


@one_process
async def test_what_happens_is_counted(shop: Shop, ask: Ask, new: NewCaller) -> None:
    before = await numbers(ask)
    for path in ("/api/v1/products/no-1", "/api/v1/products/no-2"):
        await ask("GET", path)
    await new().sign_in_as_guest()
    refusal = await new().post("/auth/login", {"email": "nobody@shop.example", "password": "wrong wrong wrong"})
    assert refusal.code == "BAD_CREDENTIALS"
    after = await numbers(ask)

    def more(name: str, **labels: str) -> float:
        return after[name][labelled(**labels)] - before.get(name, {}).get(labelled(**labels), 0)

    route = "/api/v1/products/{slug}"
    assert more("http_requests_total", method="GET", route=route, status_code="404") == 2
    assert more("http_request_duration_seconds_count", method="GET", route=route) == 2
    assert more("http_requests_total", method="POST", route="/api/v1/auth/guest", status_code="201") == 1
    assert more("business_operations_total", operation="start_as_guest", status="ok") == 1
    assert more("business_operations_total", operation="sign_in", status="refused") == 1
    assert not [labels for labels in after["http_requests_total"] if "no-1" in str(labels)], "no id becomes a label"


async def test_anybody_can_check_our_tokens_by_the_published_keys(ask: Ask, new: NewCaller) -> None:
    guest = await new().sign_in_as_guest()
    answer = await ask("GET", "/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "max-age=300"
    assert (await ask("GET", "/.well-known/jwks.json", If_None_Match=answer.headers["ETag"])).status == 304
    keys = {key["kid"]: key for key in json.loads(answer.raw)["keys"]}
    for key in keys.values():
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
        assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys(), "the private half stays with us"
    header = jwt.get_unverified_header(guest.token or "")
    public = jwt.PyJWK(keys[header["kid"]]).key
    options: jwt.types.Options = {"require": ["iss", "aud", "exp", "nbf"]}
    claims = jwt.decode(guest.token or "", public, ["RS256"], options, audience="caddy-shopping")
    assert claims["role"] == "guest"
    forged = (guest.token or "")[:-20] + "A" * 20
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged, public, ["RS256"], options, audience="caddy-shopping")


async def test_no_secret_is_in_the_log(shop: Shop, ask: Ask, new: NewCaller) -> None:
    password, marker = f"hunter2-{uuid4().hex}", f"scenario-{uuid4().hex}"
    somebody = await new().register(f"{uuid4().hex}@shop.example", password)
    wrong = {"email": somebody.email, "password": password + "-wrong"}
    assert (await new().post("/auth/login", wrong, headers={"X-Request-Id": marker})).status == 401
    await new().post("/auth/login", {**wrong, "pasword": password})
    await new().post("/auth/refresh", {"refreshToken": f"refresh-{password}"})
    await ask("GET", f"/api/v1/nowhere/password={password}/x", Authorization=f"Bearer {password}")
    await ask("GET", f"/api/v1/products?token={password}")
    await ask("GET", "/api/v1/cart", Authorization=f"Bearer {somebody.token}x", X_Request_Id=f"{marker}-end")

    await eventually(lambda: _said(shop, f"{marker}-end"))
    said = shop.output
    assert [line["path"] for line in logged(shop, f'"{marker}"')] == ["/api/v1/auth/login"], "it was written down"
    assert "password=hu***" in said, "the control: this path was written down, masked"
    assert somebody.token is not None
    assert somebody.refresh_token is not None
    for secret in (password, somebody.token, somebody.token[-40:], somebody.refresh_token):
        assert secret not in said
        assert not [mail for mail in shop.mails() if secret in mail.as_string()]


async def test_the_documentation_is_there_and_needs_nobody_else(ask: Ask) -> None:
    page = await ask("GET", "/api/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert not re.findall(r"""(?:src|href)=["']https?://""", page.raw.decode())
    errors = await ask("GET", "/api/docs/errors")
    assert errors.status == 200
    assert b"OUT_OF_STOCK" in errors.raw
    document = json.loads((await ask("GET", "/api/openapi.json")).raw)
    assert document["openapi"].startswith("3.1")
    whole = json.loads(SNAPSHOT.read_text())
    assert {**document, "servers": whole["servers"]} == whole
