"""Odd text, in every kind of field that takes text: kept to the letter, or refused with nothing changed."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.properties.conftest import NewCaller
from tests.support.journey import Goods, order_of, put_in, quiet, stock_up
from tests.support.refusals import calm_shop, refused, tables
from tests.support.shop import ADDRESS, Answer, Caller, Shop

PRICE = {"amount": 100, "currency": "CNY"}
LETTERS = {
    "Arabic": "مرحبا بك",
    "Hebrew": "שלום עולם",
    "Chinese": "中文標題",
    "beyond the basic plane": "𠮷野家 👩‍👩‍👧 🧵",
    "letters of two code points": "A\u030angstro\u0308m",
    "markup": "<script>alert('1')</script> & \"co\"",
    "templates and SQL": "{{7*7}} ${x} %s '; DROP TABLE orders; --",
    "a joiner between letters": "می\u200cخواهم",
}
"""Writing like any other: it is kept everywhere."""
TRAPS = {
    "zero width only": "\u200b",
    "zero width inside": "a\u200bb",
    "right-to-left override": "abc\u202egpj.exe",
    "isolates": "a\u2066b\u2069",
    "byte order mark": "\ufeffa",
    "tags": "a\U000e0041",
    "combining only": "\u0301",
    "blanks only": "   ",
    "a line end": "a\r\nBcc: eve@shop.example",
}
"""Not what it seems: kept as it is where it can do no harm, or refused."""
NEVER = {"NUL": "a\x00b", "bell": "a\x07b", "escape": "a\x1b[2Jb", "delete": "a\x7fb"}
"""Control characters are no text anywhere."""
PLACES = ("name", "line1", "line2", "city", "region")


@dataclass(frozen=True)
class World:
    """Each method sends the text to one kind of field; the answer, and what came back of the text."""

    admin: Caller
    buyer: Caller
    goods: Goods

    async def profile(self, text: str) -> tuple[Answer, list[str]]:
        answer = await self.buyer.ask("PATCH", "/users/me", {"name": text})
        return answer, [] if answer.status != 200 else [answer.data["name"]]

    async def address_book(self, text: str) -> tuple[Answer, list[str]]:
        answer = await self.buyer.post("/users/me/addresses", {"country": "CN", **dict.fromkeys(PLACES, text)})
        return answer, [] if answer.status != 201 else [answer.data[name] for name in PLACES]

    async def order(self, text: str) -> tuple[Answer, list[str]]:
        body = {"address": {**ADDRESS, **dict.fromkeys(PLACES, text)}, "note": text}
        answer = await self.buyer.post("/orders", body)
        if answer.status != 201:
            return answer, []
        await put_in(self.buyer, self.goods)
        return answer, [answer.data["note"], *(answer.data["address"][name] for name in PLACES)]

    async def cancellation(self, text: str) -> tuple[Answer, list[str]]:
        (order, *_) = (await self.buyer.get("/orders?status=PENDING_PAYMENT&limit=1")).data
        answer = await self.buyer.post(f"/orders/{order['id']}/cancel", {"reason": text})
        if answer.status != 200:
            return answer, []
        await order_of(self.buyer, self.goods)
        await put_in(self.buyer, self.goods)
        return answer, [answer.data["cancelReason"]]

    async def product(self, text: str) -> tuple[Answer, list[str]]:
        fields = ("title", "description", "vendor", "productType", "seoTitle", "seoDescription")
        variants = [{"price": PRICE, "options": [text]}]
        lists = {"tags": [text], "options": [text], "variants": variants, "images": []}
        body = {**dict.fromkeys(fields, text), **lists, "slug": uuid4().hex}
        answer = await self.admin.post("/admin/products", body)
        if answer.status != 201:
            return answer, []
        made = answer.data
        return answer, [*map(made.get, fields), *made["tags"], *made["options"], *made["variants"][0]["options"]]

    async def category(self, text: str) -> tuple[Answer, list[str]]:
        answer = await self.admin.post("/admin/products/categories", {"name": text, "slug": uuid4().hex})
        return answer, [] if answer.status != 201 else [answer.data["name"]]

    async def stock_note(self, text: str) -> tuple[Answer, list[str]]:
        path = f"/admin/products/variants/{self.goods.variant_id}/stock"
        answer = await self.admin.post(path, {"delta": 1, "reason": "received", "note": text})
        if answer.status != 201:
            return answer, []
        return answer, [(await self.admin.get(f"{path}/movements?limit=1")).data[0]["note"]]


FIELDS = ["profile", "address_book", "order", "cancellation", "product", "category", "stock_note"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with calm_shop(tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture
async def world(new: NewCaller, admin: Caller) -> World:
    """A customer with one order and something in the cart."""
    goods = await stock_up(admin, stock=1000)
    buyer = await new().register(f"{uuid4().hex}@shop.example")
    await order_of(buyer, goods)
    await put_in(buyer, goods)
    return World(admin, buyer, goods)


def plain(text: str) -> str:
    """`text` as the users context keeps names: composed, and without blanks around it."""
    return unicodedata.normalize("NFC", text).strip()


@pytest.mark.parametrize("field", FIELDS)
async def test_writing_of_all_kinds_is_kept(world: World, field: str) -> None:
    for text in LETTERS.values():
        answer, kept = await getattr(world, field)(text)
        assert kept, (text, answer)
        wanted = plain(text) if field in ("profile", "address_book") else text
        assert kept == [wanted] * len(kept)


@pytest.mark.parametrize("field", FIELDS)
async def test_what_is_not_what_it_seems_is_kept_whole_or_refused_whole(shop: Shop, world: World, field: str) -> None:
    for text in TRAPS.values():
        await quiet(shop)
        before = tables(shop)
        answer, kept = await getattr(world, field)(text)
        if answer.status < 300:
            assert kept == [text] * len(kept), answer
        else:
            assert answer.status in (400, 422), answer
            refused(answer, answer.status, answer.code)
            assert tables(shop) == before


@pytest.mark.parametrize("field", FIELDS)
async def test_control_characters_are_refused_everywhere(shop: Shop, world: World, field: str) -> None:
    await quiet(shop)
    before = tables(shop)
    for text in NEVER.values():
        answer, _ = await getattr(world, field)(text)
        problem = refused(answer, 400, "VALIDATION_FAILED")
        assert {error["code"] for error in problem["errors"]} == {"CONTROL_CHARACTER"}
    assert tables(shop) == before


@pytest.mark.parametrize("field", FIELDS)
async def test_text_that_is_too_long_is_refused(shop: Shop, world: World, field: str) -> None:
    await quiet(shop)
    before = tables(shop)
    answer, _ = await getattr(world, field)("x" * 70_000)
    problem = refused(answer, 400, "VALIDATION_FAILED")
    assert {error["code"] for error in problem["errors"]} == {"TOO_LONG"}
    assert tables(shop) == before


@pytest.mark.parametrize("name", ["sku", "barcode"])
@pytest.mark.parametrize("text", TRAPS.values(), ids=TRAPS.keys())
async def test_codes_have_nothing_hidden_in_them(shop: Shop, world: World, name: str, text: str) -> None:
    """Two codes that look alike must be alike: people type and scan them."""
    if text == "\u0301":
        return  # a mark on its own is seen
    await quiet(shop)
    before = tables(shop)
    body = {"title": "Teapot", "slug": uuid4().hex, "variants": [{"price": PRICE, name: text}]}
    problem = refused(await world.admin.post("/admin/products", body), 422, "PRODUCT_INVALID")
    assert [error["pointer"] for error in problem["errors"]] == [f"/variants/0/{name}"]
    assert tables(shop) == before


async def test_a_product_shows_its_title(world: World) -> None:
    for text in ("\u200b", "\u202e\u202c", "   ", "\u3164"):
        body = {"title": text, "slug": uuid4().hex, "variants": [{"price": PRICE}]}
        refused(await world.admin.post("/admin/products", body), 422, "PRODUCT_INVALID")


@pytest.mark.parametrize(
    "email",
    ["we\u200bi@shop.example", "wei@shop\u202e.example", "wei\x07@shop.example", "wei\n@shop.example", "\ufeffwei@a.b"],
)
async def test_mail_addresses_have_nothing_hidden_in_them(shop: Shop, new: NewCaller, world: World, email: str) -> None:
    await quiet(shop)
    before = tables(shop)
    body = {"email": email, "password": "correct horse battery", "name": "Wei"}
    answer = await new().post("/auth/register", body)
    refused(answer, answer.status, "VALIDATION_FAILED" if "\x07" in email else "EMAIL_INVALID")
    assert tables(shop) == before


@pytest.mark.parametrize("text", [*LETTERS.values(), *TRAPS.values(), *'"*^-%_()', "a AND", "NEAR(", "a:b", "x" * 200])
async def test_any_words_can_be_searched_for(new: NewCaller, text: str) -> None:
    answer = await new().get(f"/products?q={quote(text)}&facets=true&total=true")
    assert answer.status == 200, answer


async def test_no_text_becomes_a_header_of_a_mail(shop: Shop, world: World) -> None:
    for text in TRAPS.values():
        await world.order(text)
    await quiet(shop)
    mails = [mail for mail in shop.mails() if mail["To"] == world.buyer.email]
    assert len(mails) > 4
    for mail in mails:
        assert mail["Bcc"] is None
        assert "eve@" not in "".join(str(value) for value in mail.values())
