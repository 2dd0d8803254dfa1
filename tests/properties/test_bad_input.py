"""Bad input over HTTP gets a clear error, in the caller's language, and changes nothing."""

from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from tests.properties.conftest import NewCaller
from tests.support.journey import Goods, order_of, put_in, select, stock_up
from tests.support.refusals import calm_shop, refused, tables, unchanged
from tests.support.shop import ADDRESS, Caller, Shop

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with calm_shop(tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture
async def goods(admin: Caller) -> Goods:
    return await stock_up(admin)


@pytest.fixture
async def buyer(new: NewCaller, goods: Goods) -> Caller:
    """A guest with two teapots in the cart."""
    guest = await new().sign_in_as_guest()
    await put_in(guest, goods, 2)
    return guest


async def twice(caller: Caller, method: str, path: str, status: int, code: str, **request: Any) -> Any:
    """Ask in English, then in Chinese; the English problem."""
    headers = request.pop("headers", {})
    raw = request.pop("raw", None)

    async def ask(language: str) -> Any:
        body = raw() if callable(raw) else raw
        answer = await caller.ask(method, path, raw=body, headers={**headers, "Accept-Language": language}, **request)
        return refused(answer, status, code, language=language[:2])

    english = await ask("en")
    assert english["method"] == method
    assert (await ask("zh-CN"))["detail"] == english["detail"]
    return english


V = "0197f2c4-6a3e-7b1d-9c52-3f8a1e5d7b90"
QUANTITIES = [
    ("-1", "TOO_SMALL"),
    ("0", "TOO_SMALL"),
    ("1.5", "WRONG_TYPE"),
    ("1.0", "WRONG_TYPE"),
    ('"1"', "WRONG_TYPE"),
    ("true", "WRONG_TYPE"),
    ("null", "WRONG_TYPE"),
    ("[1]", "WRONG_TYPE"),
    ("1000", "TOO_LARGE"),
    (str(2**31), "TOO_LARGE"),
    (str(2**63), "TOO_LARGE"),
    (str(2**64), "TOO_LARGE"),
    (str(-(2**63) - 1), "TOO_SMALL"),
]


@pytest.mark.parametrize(("quantity", "code"), QUANTITIES)
async def test_a_quantity_that_is_none(shop: Shop, buyer: Caller, goods: Goods, quantity: str, code: str) -> None:
    body = f'{{"variantId": "{goods.variant_id}", "quantity": {quantity}}}'.encode()
    async with unchanged(shop):
        problem = await twice(buyer, "POST", "/cart/items", 400, "VALIDATION_FAILED", raw=body, headers=JSON)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/quantity", code)]


async def test_the_same_request_with_a_good_quantity_is_taken_and_seen(shop: Shop, buyer: Caller, goods: Goods) -> None:
    before = tables(shop)
    body = f'{{"variantId": "{goods.variant_id}", "quantity": 1}}'.encode()
    answer = await buyer.post("/cart/items", raw=body, headers=JSON)
    assert answer.data["quantity"] == 3
    assert tables(shop)["cart_items"] != before["cart_items"]


DEEP = 100_000
MALFORMED = {
    "nothing that is JSON": b"quantity=1",
    "cut off": b'{"variantId": "0197',
    "a comma too many": b'{"quantity": 1,}',
    "single quotes": b"{'quantity': 1}",
    "a comment": b'{"quantity": 1} // one',
    "two documents": b'{"quantity": 1}{"quantity": 1}',
    "a number beyond all bounds": b'{"quantity": 1e400}',
    "NaN": b'{"quantity": NaN}',
    "Infinity": b'{"quantity": -Infinity}',
    "a number without end": b'{"quantity": ' + b"9" * 5000 + b"}",
    "no UTF-8": b'{"variantId": "\xff\xfe"}',
    "UTF-16": '{"quantity": 1}'.encode("utf-16"),
    "a lone surrogate": b'{"variantId": "\\ud800"}',
    "half a pair": b'{"variantId": "\\udc00\\ud800"}',
    "a raw control character": b'{"variantId": "a\x01b"}',
    "a raw NUL": b'{"variantId": "a\x00b"}',
    "lists without end": b"[" * DEEP,
    "objects without end": b'{"a":' * DEEP,
    "a deep unknown field": b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_no_json(shop: Shop, buyer: Caller, body: bytes) -> None:
    async with unchanged(shop):
        await twice(buyer, "POST", "/cart/items", 400, "MALFORMED_JSON", raw=body, headers=JSON)


WRONG_SHAPES: list[tuple[bytes, list[tuple[str, str]]]] = [
    (b"[]", [("", "WRONG_TYPE")]),
    (b"null", [("", "WRONG_TYPE")]),
    (b'"text"', [("", "WRONG_TYPE")]),
    (b"{}", [("/variantId", "FIELD_MISSING")]),
    (b'{"variantId": "no-id"}', [("/variantId", "WRONG_FORMAT")]),
    (b'{"variantId": 7, "quantity": "x"}', [("/variantId", "WRONG_TYPE"), ("/quantity", "WRONG_TYPE")]),
    (f'{{"variantId": "{V}", "price": 1}}'.encode(), [("/price", "UNKNOWN_FIELD")]),
    (f'{{"variantId": "{V}", "Quantity": 1}}'.encode(), [("/Quantity", "UNKNOWN_FIELD")]),
    (f'{{"variantId": "{V}", "__proto__": {{}}}}'.encode(), [("/__proto__", "UNKNOWN_FIELD")]),
    (f'{{"variantId": "{V}", "a/b~c": 1}}'.encode(), [("/a~1b~0c", "UNKNOWN_FIELD")]),
    (f'{{"variantId": "{V}", "quantity": 1, "quantity": 900}}'.encode(), [("", "DUPLICATE_FIELD")]),
    (f'{{"variantId": "{V}", "quantity": 1, "qu\\u0061ntity": 900}}'.encode(), [("", "DUPLICATE_FIELD")]),
]


@pytest.mark.parametrize(("body", "places"), WRONG_SHAPES)
async def test_json_of_another_shape_is_refused_by_name(
    shop: Shop, buyer: Caller, body: bytes, places: list[tuple[str, str]]
) -> None:
    async with unchanged(shop):
        problem = await twice(buyer, "POST", "/cart/items", 400, "VALIDATION_FAILED", raw=body, headers=JSON)
    assert sorted((error["pointer"], error["code"]) for error in problem["errors"]) == sorted(places)


async def test_no_body_at_all(shop: Shop, buyer: Caller) -> None:
    async with unchanged(shop):
        await twice(buyer, "POST", "/cart/items", 400, "BODY_MISSING", headers=JSON)


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense", "application/jsonp"],
)
async def test_another_media_type(shop: Shop, buyer: Caller, media_type: str) -> None:
    body = f'{{"variantId": "{V}"}}'.encode()
    headers = {"Content-Type": media_type}
    async with unchanged(shop):
        problem = await twice(buyer, "POST", "/cart/items", 415, "UNSUPPORTED_MEDIA_TYPE", raw=body, headers=headers)
    assert "application/json" in problem["detail"]


async def in_chunks(size: int) -> AsyncIterator[bytes]:
    """So many bytes of JSON text, of which the receiver is not told how many will come."""
    yield b'{"email": "'
    for _ in range(size // 65_536):
        yield b"a" * 65_536
    yield b'"}'


@pytest.mark.parametrize(("path", "limit"), [("/cart/items", 1_048_576), ("/auth/login", 1_048_576)])
async def test_a_body_that_is_too_large(shop: Shop, buyer: Caller, path: str, limit: int) -> None:
    async with unchanged(shop):
        for body in (lambda: BytesIO(b" " * (limit + 1)), lambda: in_chunks(2 * limit)):
            problem = await twice(buyer, "POST", path, 413, "BODY_TOO_LARGE", raw=body, headers=JSON)
            assert f"{limit}" in problem["detail"]
        just_fits = await buyer.post(path, raw=BytesIO(b"{" + b" " * (limit - 2) + b"}"), headers=JSON)
        refused(just_fits, 400, "VALIDATION_FAILED")


async def test_a_picture_that_is_too_large_or_none(shop: Shop, admin: Caller, goods: Goods) -> None:
    path = f"/admin/products/{goods.product_id}/images"
    version = (await admin.get(f"/admin/products/{goods.product_id}")).data["version"]

    def form(content: bytes) -> aiohttp.FormData:
        data = aiohttp.FormData()
        data.add_field("file", BytesIO(content), filename="picture.png", content_type="image/png")
        return data

    async with unchanged(shop):
        whole = await admin.post(path, raw=form(b"\x89PNG\r\n\x1a\n" + b"0" * 11_000_000), if_match=version)
        refused(whole, 413, "BODY_TOO_LARGE")
        large = await admin.post(path, raw=form(b"\x89PNG\r\n\x1a\n" + b"0" * 6_000_000), if_match=version)
        refused(large, 413, "IMAGE_TOO_LARGE")
        script = await admin.post(path, raw=form(b"<svg onload='alert(1)'/>"), if_match=version)
        refused(script, 422, "IMAGE_TYPE_UNKNOWN")
    assert not list((shop.data_dir / "media").rglob("*.png"))


CURSORS = [
    "x",
    "null",
    "W10",
    "WyJuZXdlc3QiXQ",
    "eyJhIjoxfQ",
    "WyJuZXdlc3QiLCJ4IiwieCJd",
    "%F0%9F%92%A9",
    "W" * 512,
]
"""No base64, no JSON inside, JSON of another shape, the wrong number of parts, parts of the wrong kind."""
LISTS = ["/products", "/orders", "/notifications", "/users/me/addresses", f"/payments?orderId={V}"]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_cursor_that_was_not_made_here(shop: Shop, buyer: Caller, cursor: str) -> None:
    async with unchanged(shop):
        for path in LISTS:
            more = "&" if "?" in path else "?"
            await twice(buyer, "GET", f"{path}{more}cursor={cursor}", 400, "CURSOR_INVALID")


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "/query/limit", "TOO_SMALL"),
        ("limit=-1", "/query/limit", "TOO_SMALL"),
        ("limit=101", "/query/limit", "TOO_LARGE"),
        ("limit=1.5", "/query/limit", "WRONG_TYPE"),
        (f"limit={2**64}", "/query/limit", "TOO_LARGE"),
        ("limit=ten", "/query/limit", "WRONG_TYPE"),
        ("limit=", "/query/limit", "WRONG_TYPE"),
        ("minPrice=-1", "/query/minPrice", "TOO_SMALL"),
        (f"minPrice={2**63}", "/query/minPrice", "TOO_LARGE"),
        (f"minPrice={'9' * 5000}", "/query/minPrice", "TOO_LARGE"),
        ("minPrice=NaN", "/query/minPrice", "WRONG_TYPE"),
        ("minPrice=null", "/query/minPrice", "WRONG_TYPE"),
        ("inStock=maybe", "/query/inStock", "WRONG_TYPE"),
        ("sort=random", "/query/sort", "NOT_AN_OPTION"),
        (f"q={'x' * 201}", "/query/q", "TOO_LONG"),
        ("&".join(f"tag={n}" for n in range(11)), "/query/tag", "TOO_LONG"),
    ],
)
async def test_a_query_that_makes_no_sense(buyer: Caller, query: str, pointer: str, code: str) -> None:
    problem = await twice(buyer, "GET", f"/products?{query}", 400, "VALIDATION_FAILED")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/orders/not-an-order", 404, "ORDER_NOT_FOUND"),
        ("GET", f"/orders/{V}", 404, "ORDER_NOT_FOUND"),
        ("GET", "/payments/123", 404, "ROUTE_NOT_FOUND"),
        ("GET", f"/payments/{V}", 404, "PAYMENT_NOT_FOUND"),
        ("GET", f"/payments/{V}0", 404, "ROUTE_NOT_FOUND"),
        ("DELETE", "/cart/items/%00", 400, "REQUEST_INVALID"),
        ("DELETE", "/cart/items/%2e%2e%2f", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/products/media/..%2f..%2finstallation.secret", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/products/media/installation.secret", 404, "MEDIA_NOT_FOUND"),
        ("GET", "/nowhere", 404, "ROUTE_NOT_FOUND"),
        ("PUT", "/orders", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/products", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/products/" + "x" * 9000, 414, "URI_TOO_LONG"),
        ("GET", "/products?q=" + "x" * 9000, 414, "URI_TOO_LONG"),
        ("GET", "/products?q=%00", 400, "REQUEST_INVALID"),
    ],
)
async def test_a_place_that_is_not_there(
    shop: Shop, buyer: Caller, method: str, path: str, status: int, code: str
) -> None:
    async with unchanged(shop):
        await twice(buyer, method, path, status, code)
        answer = await buyer.ask(method, path)
    if status == 405:
        assert method not in answer.headers["Allow"].split(", ")


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 428, "IF_MATCH_REQUIRED"),
        ("*", 428, "IF_MATCH_REQUIRED"),
        ("7", 412, "VERSION_MISMATCH"),
        ('W/"1"', 412, "VERSION_MISMATCH"),
        ('"1", "2"', 412, "VERSION_MISMATCH"),
        ('"-1"', 412, "VERSION_MISMATCH"),
        ('"1.0"', 412, "VERSION_MISMATCH"),
        (f'"{2**64}"', 412, "VERSION_MISMATCH"),
        ('"99"', 412, "VERSION_MISMATCH"),
        ('"1', 412, "VERSION_MISMATCH"),
    ],
)
async def test_a_version_that_is_none(
    shop: Shop, admin: Caller, goods: Goods, header: str | None, status: int, code: str
) -> None:
    headers = {} if header is None else {"If-Match": header}
    change = {"title": "Another"}
    async with unchanged(shop):
        path = f"/admin/products/{goods.product_id}"
        await twice(admin, "PATCH", path, status, code, body=change, headers=headers)


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 256, "schlüssel", "键"])
async def test_an_idempotency_key_that_is_none(shop: Shop, buyer: Caller, key: str) -> None:
    body = {"address": ADDRESS, "email": "li@shop.example"}
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    async with unchanged(shop):
        await twice(buyer, "POST", "/orders", 400, "IDEMPOTENCY_KEY_MISSING", body=body, headers=headers)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic YTpi",
        "Bearer " + "x" * 8000,
        "Bearer a.b.c",
        "bearer\tx",
        "Bearer é",
    ],
)
async def test_a_token_that_is_none(shop: Shop, new: NewCaller, authorization: str) -> None:
    nobody = new()
    headers = {"Authorization": authorization}
    code = "TOKEN_INVALID"
    async with unchanged(shop):
        await twice(nobody, "GET", "/cart", 401, code, headers=headers)
        await twice(nobody, "DELETE", "/cart", 401, code, headers=headers)
    assert (await nobody.get("/cart", headers=headers)).headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/orders", {"address": {**ADDRESS, "country": "China"}, "email": "li@shop.example"}),
        ("POST", "/orders", {"address": {**ADDRESS, "country": "CN\n"}, "email": "li@shop.example"}),
        ("POST", "/orders", {"address": {**ADDRESS, "planet": "Earth"}, "email": "li@shop.example"}),
        ("POST", "/orders", {"address": {**ADDRESS, "city": "\u200b"}, "email": "li@shop.example"}),
        ("POST", "/orders", {"address": {**ADDRESS, "name": "x" * 201}, "email": "li@shop.example"}),
        ("POST", "/orders", {"address": ADDRESS, "email": "li@shop.example\nBcc: eve@shop.example"}),
        ("POST", "/orders", {"address": ADDRESS, "email": "li@shop.example\n"}),
        ("POST", "/orders", {"address": ADDRESS, "email": "nobody"}),
        ("POST", "/orders", {"address": ADDRESS, "email": "li@shop.example", "note": "x" * 1001}),
        ("POST", "/orders", {"address": ADDRESS, "email": "li@shop.example", "note": "bell\x07"}),
        ("POST", "/orders", {"address": ADDRESS, "email": "li@shop.example", "expectedTotal": {"amount": 1.5}}),
        ("POST", "/orders", {"address": ADDRESS, "email": "li@shop.example", "total": 1}),
        ("POST", "/users/me/addresses", {**ADDRESS, "country": "CN\n"}),
        ("POST", "/users/me/addresses", {**ADDRESS, "userId": V}),
        ("POST", "/cart/select", {"selected": True, "itemIds": [V] * 101}),
    ],
)
async def test_orders_and_addresses_that_make_no_sense(
    shop: Shop, buyer: Caller, method: str, path: str, body: Any
) -> None:
    async with unchanged(shop):
        problem = await twice(buyer, method, path, 400, "VALIDATION_FAILED", body=body)
    assert problem["errors"]
    assert (await buyer.get("/cart")).data["quantity"] == 2


async def test_nothing_of_all_this_came_into_the_shop(shop: Shop, buyer: Caller, goods: Goods) -> None:
    """After every refusal above the shop still sells, and it has sold nothing else."""
    assert select(shop, "SELECT COUNT(*) FROM orders") == [(0,)]
    order = await order_of(buyer, goods)
    assert [line["quantity"] for line in order["lines"]] == [3]
    assert '"level":"error"' not in shop.output
