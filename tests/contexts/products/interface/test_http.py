"""The catalogue over HTTP, through the real application."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from caddy_shopping.contexts.products.domain.pictures import MAX_BYTES
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.http.app import WebApp, create_app
from caddy_shopping.platform.http.health import Health
from caddy_shopping.platform.http.settings import HttpSettings
from caddy_shopping.platform.telemetry.metrics import Metrics
from tests.contexts.products.conftest import SHOPPER, STAFF, Catalogue, a_variant
from tests.platform.http.toy import Answer, ask

Ask = Callable[..., Awaitable[Answer]]
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
PRICE = {"amount": 9900, "currency": "CNY"}


@pytest.fixture
def app(catalogue: Catalogue) -> WebApp:
    async def authenticate(token: str) -> Actor | None:
        return {"staff": STAFF, "shopper": SHOPPER}.get(token)

    settings = HttpSettings(access_log="off", rate_limits=False, cache_entries=0)
    return create_app(
        [catalogue.module],
        settings=settings,
        authenticate=authenticate,
        metrics=Metrics(),
        health=Health(),
        upload_prefixes=("/api/v1/admin/products/",),
    )


@pytest.fixture
def web(app: WebApp) -> Ask:
    """`await web("POST", "/products", {…}, key="k", if_match=3, who="staff")`."""

    async def send(
        method: str,
        path: str,
        body: Any = None,
        *,
        who: str | None = None,
        key: str | None = None,
        if_match: int | None = None,
        **more: Any,
    ) -> Answer:
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["authorization"] = f"Bearer {who}"
        if key is not None:
            headers["idempotency-key"] = key
        if if_match is not None:
            headers["if-match"] = f'"{if_match}"'
        if body is not None:
            more["json"] = body
        if "content" in more:
            more["body"] = more.pop("content")
        return await ask(app, method, f"/api/v1{path}", headers, **more)

    return send


def form(content: bytes, name: str = "file") -> tuple[bytes, dict[str, str]]:
    """A multipart body with one file, and its headers."""
    head = f'--xx\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    body = head.encode() + content + b"\r\n--xx--\r\n"
    return body, {"content-type": "multipart/form-data; boundary=xx"}


async def test_a_product_from_draft_to_archive(catalogue: Catalogue, web: Ask) -> None:
    body = {
        "title": "夏季 T恤",
        "options": ["Size"],
        "variants": [
            {"price": PRICE, "options": ["S"], "stock": 3, "compareAtPrice": {"amount": 12900, "currency": "CNY"}},
            {"price": PRICE, "options": ["L"], "sku": "T-L"},
        ],
        "tags": ["summer"],
        "images": [{"url": "https://a/b.jpg", "alt": "front"}],
    }
    made = await web("POST", "/admin/products", body, who="staff", key="k")
    assert made.status == 201, made.body
    again = await web("POST", "/admin/products", body, who="staff", key="k")
    assert made.body == again.body
    product = made.json["data"]
    assert made.headers["location"] == f"/api/v1/admin/products/{product['id']}"
    assert made.headers["etag"] == '"1"'
    assert (product["slug"], product["status"]) == ("夏季-t恤", "draft")
    path = f"/admin/products/{product['id']}"
    assert (await web("GET", "/products/夏季-t恤")).code == "PRODUCT_NOT_FOUND"
    assert (await web("PATCH", path, {"status": "active"}, who="staff")).status == 428
    assert (await web("PATCH", path, {"status": "active"}, who="staff", if_match=7)).status == 412
    assert (await web("GET", path, who="staff")).json == made.json
    changed = await web("PATCH", path, {"status": "active", "vendor": "North"}, who="staff", if_match=1)
    assert (changed.status, changed.headers["etag"]) == (200, '"2"')
    shown = await web("GET", "/products/夏季-t恤")
    assert shown.status == 200
    assert shown.json["data"]["variants"][0]["compareAtPrice"] == {"amount": 12900, "currency": "CNY"}
    assert (await web("POST", f"{path}/archive", who="staff")).status == 428
    archived = await web("POST", f"{path}/archive", who="staff", if_match=2)
    assert (archived.status, archived.json["data"]["status"]) == (200, "archived")
    listed = await web("GET", "/admin/products?status=archived&total=true", who="staff")
    assert [each["slug"] for each in listed.json["data"]] == ["夏季-t恤"]
    assert listed.json["page"]["total"] == 1
    assert (await web("GET", "/products")).json["data"] == []


async def test_the_list_with_everything(catalogue: Catalogue, web: Ask) -> None:
    top = await catalogue.category("Top")
    for n in range(3):
        await catalogue.add(
            f"Jumper {n}", a_variant(100 * n, "L"), options=["Size"], category_id=top.id, tags=("wool",)
        )
    await catalogue.add("Sock")
    query = "category=top&tag=wool&option=Size:L&minPrice=0&maxPrice=200&inStock=true&q=jumper&sort=-price&facets=true"
    answer = await web("GET", f"/products?{query}&limit=2&total=true")
    assert answer.status == 200, answer.body
    assert [each["title"] for each in answer.json["data"]] == ["Jumper 2", "Jumper 1"]
    assert answer.json["page"]["total"] == 3
    assert answer.json["facets"]["options"] == {"Size": [{"value": "L", "count": 3}]}
    rest = await web("GET", f"/products?{query}&limit=2&cursor={answer.json['page']['nextCursor']}")
    assert [each["title"] for each in rest.json["data"]] == ["Jumper 0"]
    assert "facets" not in (await web("GET", "/products")).json
    for path in ("/products", "/products/sock", "/categories"):
        answer = await web("GET", path)
        assert answer.headers["cache-control"] == "public, max-age=2"
        same = await web("GET", path, headers={"if-none-match": answer.headers["etag"]})
        assert (same.status, same.body) == (304, b"")
    variant = (await catalogue.use_cases.queries.product("sock")).variants[0].id
    before = (await web("GET", "/products/sock")).headers["etag"]
    body = {"delta": -5, "reason": "damaged"}
    assert (await web("POST", f"/admin/products/variants/{variant}/stock", body, who="staff", key="s")).status == 201
    after = await web("GET", "/products/sock", headers={"if-none-match": before})
    assert (after.status, after.json["data"]["inStock"]) == (200, False)


@pytest.mark.parametrize(
    "query",
    [
        "sort=random", "minPrice=-1", "maxPrice=x", "minPrice=99999999999999999999", "limit=0", "limit=101",
        "cursor=zzz", "option=Size", "option=:L", "option=Size:", f"option=a:{'x' * 200}", f"q={'x' * 201}",
        "inStock=perhaps", "cursor=WzEsMl0",
    ],
)  # fmt: skip
async def test_a_filter_that_makes_no_sense_is_refused(web: Ask, query: str) -> None:
    answer = await web("GET", f"/products?{query}")
    assert answer.status == (422 if query.startswith("option") else 400)


async def test_the_category_tree_and_its_editing(catalogue: Catalogue, web: Ask) -> None:
    top = await web("POST", "/admin/products/categories", {"name": "Top"}, who="staff")
    assert (top.status, top.headers["etag"]) == (201, '"1"')
    path = top.headers["location"].removeprefix("/api/v1")
    body = {"name": "Below", "parentId": top.json["data"]["id"], "position": 2}
    below = await web("POST", "/admin/products/categories", body, who="staff")
    tree = (await web("GET", "/categories")).json["data"]
    assert [(node["slug"], [child["slug"] for child in node["children"]]) for node in tree] == [("top", ["below"])]
    assert (await web("GET", path, who="staff")).json == top.json
    assert (await web("PATCH", path, {"name": "New"}, who="staff")).status == 428
    changed = await web("PATCH", path, {"name": "New", "slug": "new"}, who="staff", if_match=1)
    assert (changed.json["data"]["slug"], changed.headers["etag"]) == ("new", '"2"')
    assert (await web("DELETE", path, who="staff", if_match=2)).code == "CATEGORY_IN_USE"
    below_path = f"/admin/products/categories/{below.json['data']['id']}"
    moved = await web("PATCH", below_path, {"parentId": None}, who="staff", if_match=1)
    assert moved.json["data"]["parentId"] is None
    assert (await web("DELETE", path, who="staff", if_match=1)).status == 412
    assert (await web("DELETE", path, who="staff", if_match=2)).status == 204


async def test_stock_over_http(catalogue: Catalogue, web: Ask) -> None:
    variant = (await catalogue.add()).variants[0].id
    path = f"/admin/products/variants/{variant}/stock"
    body = {"delta": 4, "reason": "received", "note": "van"}
    assert (await web("POST", path, body, who="staff")).code == "IDEMPOTENCY_KEY_MISSING"
    first = await web("POST", path, body, who="staff", key="k")
    again = await web("POST", path, body, who="staff", key="k")
    assert (first.status, first.json["data"]["stock"]) == (201, 9)
    assert first.body == again.body
    assert await catalogue.books(variant) == (9, 0, 0)
    assert (
        await web("POST", path, {"delta": -10, "reason": "damaged"}, who="staff", key="l")
    ).code == "STOCK_BELOW_ZERO"
    assert (await web("POST", path, {"delta": 1, "reason": "magic"}, who="staff", key="m")).status == 400
    ledger = await web("GET", f"{path}/movements?limit=1", who="staff")
    assert [(line["delta"], line["reason"]) for line in ledger.json["data"]] == [(4, "received")]
    rest = await web("GET", f"{path}/movements?limit=1&cursor={ledger.json['page']['nextCursor']}", who="staff")
    assert [(line["delta"], line["reason"]) for line in rest.json["data"]] == [(5, "opening")]


async def test_a_picture_is_uploaded_and_served_for_good(catalogue: Catalogue, web: Ask) -> None:
    product = await catalogue.add()
    path = f"/admin/products/{product.id}/images?alt=front"
    content, headers = form(PNG)
    assert (await web("POST", path, who="staff", content=content, headers=headers)).status == 428
    up = await web("POST", path, who="staff", content=content, headers=headers, if_match=1)
    assert up.status == 201, up.body
    (image,) = up.json["data"]["images"]
    assert image["alt"] == "front"
    assert up.headers["location"] == image["url"]
    shown = await web("GET", image["url"].removeprefix("/api/v1"))
    assert (shown.status, shown.body, shown.headers["content-type"]) == (200, PNG, "image/png")
    assert shown.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert (await web("GET", "/products/wool-jumper")).json["data"]["images"] == [image]
    twice = await web("POST", path, who="staff", content=content, headers=headers, if_match=2)
    assert twice.json["data"]["images"] == [image]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"<svg/>", 422, "IMAGE_TYPE_UNKNOWN"),
        (b"", 422, "IMAGE_TYPE_UNKNOWN"),
        (PNG.ljust(MAX_BYTES + 1, b"x"), 413, "IMAGE_TOO_LARGE"),
    ],
)
async def test_what_is_no_picture_is_not_kept(
    catalogue: Catalogue, web: Ask, tmp_path: Any, content: bytes, status: int, code: str
) -> None:
    product = await catalogue.add()
    body, headers = form(content)
    answer = await web(
        "POST", f"/admin/products/{product.id}/images", who="staff", content=body, headers=headers, if_match=1
    )
    assert (answer.status, answer.code) == (status, code)
    assert not (tmp_path / "media").exists()
    assert (await catalogue.use_cases.queries.staff_product(product.id)).images == []


async def test_a_form_without_a_file_is_refused(catalogue: Catalogue, web: Ask) -> None:
    product = await catalogue.add()
    path = f"/admin/products/{product.id}/images"
    plain = b'--xx\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--xx--\r\n'
    multipart = {"content-type": "multipart/form-data; boundary=xx"}
    for body, headers in [
        (plain, multipart),
        (b"--xx--\r\n", multipart),
        (b"garbage", multipart),
        (b"", multipart),
        (b"{}", {"content-type": "application/json"}),
        (PNG, {"content-type": "image/png"}),
    ]:
        answer = await web("POST", path, who="staff", content=body, headers=headers, if_match=1)
        assert answer.status == 400, (body, answer.status, answer.body)
    assert (await catalogue.use_cases.queries.staff_product(product.id)).version == 1


@pytest.mark.parametrize("name", ["a.png", "..%2F..%2Fshop.db", "0" * 40 + ".png", "0" * 40 + ".svg"])
async def test_no_other_file_is_served(web: Ask, name: str) -> None:
    assert (await web("GET", f"/products/media/{name}")).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"title": "x" * 256},
        {"variants": []},
        {"variants": [{"price": {"amount": -1, "currency": "CNY"}}]},
        {"variants": [{"price": {"amount": 2**63, "currency": "CNY"}}]},
        {"variants": [{"price": {"amount": 1, "currency": "USD"}}]},
        {"variants": [{"price": PRICE, "stock": -1}]},
        {"variants": [{"price": PRICE, "options": ["S"]}]},
        {"variants": [{"price": PRICE}, {"price": PRICE}]},
        {"options": ["A", "B", "C", "D"]},
        {"images": [{"url": "javascript:alert(1)"}]},
        {"images": [{"url": "/etc/passwd"}]},
        {"status": "gone"},
        {"colour": "red"},
        {"tags": [""]},
    ],
)
async def test_a_product_that_makes_no_sense_is_refused(catalogue: Catalogue, web: Ask, change: dict[str, Any]) -> None:
    body = {"title": "Jumper", "variants": [{"price": PRICE}]} | change
    answer = await web("POST", "/admin/products", body, who="staff", key="k")
    # 400: no such body at all; 422: a body that the shop cannot take.
    assert answer.status in (400, 422)
    assert answer.json["errors"]
    assert await catalogue.count(tables.products) == 0
    assert await catalogue.told() == []


async def test_staff_only(catalogue: Catalogue, web: Ask) -> None:
    product = await catalogue.add()
    base = f"/admin/products/{product.id}"
    variant = f"/admin/products/variants/{product.variants[0].id}/stock"
    category = await catalogue.category("Top")
    create = {"title": "X", "variants": [{"price": PRICE}]}
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/admin/products", None),
        ("POST", "/admin/products", create),
        ("GET", base, None),
        ("PATCH", base, {"title": "X"}),
        ("POST", f"{base}/archive", None),
        ("POST", variant, {"delta": 1, "reason": "received"}),
        ("GET", f"{variant}/movements", None),
        ("POST", "/admin/products/categories", {"name": "X"}),
        ("GET", f"/admin/products/categories/{category.id}", None),
        ("PATCH", f"/admin/products/categories/{category.id}", {"name": "X"}),
        ("DELETE", f"/admin/products/categories/{category.id}", None),
    ]
    for method, path, body in calls:
        assert (await web(method, path, body, key="k", if_match=1)).status == 401, path
        assert (await web(method, path, body, who="shopper", key=f"k{path}", if_match=1)).status == 403, path
    body, headers = form(PNG)
    assert (await web("POST", f"{base}/images", content=body, headers=headers, if_match=1)).status == 401
    sent = await web("POST", f"{base}/images", who="shopper", content=body, headers=headers, if_match=1)
    assert sent.status == 403
    assert await catalogue.use_cases.queries.staff_product(product.id) == product
    assert await catalogue.count(tables.categories) == 1
    assert await catalogue.told() == ["ProductChanged"]


async def test_what_is_not_there(web: Ask) -> None:
    nowhere = new_id()
    for path in (f"/admin/products/{nowhere}", f"/admin/products/categories/{nowhere}"):
        assert (await web("GET", path, who="staff")).status == 404
    assert (
        await web("GET", f"/admin/products/variants/{nowhere}/stock/movements", who="staff")
    ).code == "VARIANT_NOT_FOUND"


async def test_the_document_has_every_operation(app: WebApp) -> None:
    paths = app.openapi()["paths"]
    assert {path for path in paths if "product" in path or "categor" in path} == {
        "/api/v1/products",
        "/api/v1/products/{slug}",
        "/api/v1/products/media/{name}",
        "/api/v1/categories",
        "/api/v1/admin/products",
        "/api/v1/admin/products/{product_id}",
        "/api/v1/admin/products/{product_id}/archive",
        "/api/v1/admin/products/{product_id}/images",
        "/api/v1/admin/products/variants/{variant_id}/stock",
        "/api/v1/admin/products/variants/{variant_id}/stock/movements",
        "/api/v1/admin/products/categories",
        "/api/v1/admin/products/categories/{category_id}",
    }
    upload = paths["/api/v1/admin/products/{product_id}/images"]["post"]
    assert list(upload["requestBody"]["content"]) == ["multipart/form-data"]
