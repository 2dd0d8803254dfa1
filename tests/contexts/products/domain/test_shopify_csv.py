"""Rows to drafts: what is taken, what is refused and why, and on which line."""

import pytest

from caddy_shopping.contexts.products.domain.csv_errors import HeaderMissing, HeaderRepeated
from caddy_shopping.contexts.products.domain.product import Image
from caddy_shopping.contexts.products.domain.product_draft import CategoryName, ProductDraft
from caddy_shopping.contexts.products.domain.shopify_csv import ROWS_AT_ONCE, ShopifyCsv
from caddy_shopping.kernel.money import Money
from tests.contexts.products.csv_support import DEMO, HEADER, csv_text, more, read, read_rows, row


def one(**cells: str) -> ProductDraft:
    """The only draft of a file with one row, which must be taken."""
    drafts, refusals = read_rows(row(**cells))
    assert not refusals, refusals
    return drafts[0]


def why_not(**cells: str) -> tuple[str, str]:
    """Code and text of the refusal of a file with one row."""
    drafts, refusals = read_rows(row(**cells))
    assert not drafts
    [refusal] = refusals
    assert refusal.line == 2
    assert "{" not in refusal.error.message("en") + refusal.error.message("zh")
    return refusal.error.code, str(refusal)


@pytest.mark.parametrize(
    ("name", "products", "variants", "images"),
    [("apparel", 20, 22, 20), ("home-and-garden", 20, 21, 21), ("jewelery", 20, 23, 41)],
)
def test_the_demo_files_come_in_whole(name: str, products: int, variants: int, images: int) -> None:
    drafts, refusals = read((DEMO / f"{name}.csv").read_bytes())
    assert refusals == []
    assert len(drafts) == products
    assert sum(len(draft.variants) for draft in drafts) == variants
    assert sum(len(draft.images) for draft in drafts) == images
    assert all(draft.details and draft.category for draft in drafts)


def test_a_row_says_everything() -> None:
    draft = one(
        body="<p>Tea</p> ",
        vendor=" Kiln ",
        type="Cups",
        tags="tea, 茶,tea, ",
        name="Size",
        value=" Big ",
        sku="CUP-1",
        grams="250",
        tracker="shopify",
        qty="7",
        policy="continue",
        price="1,234.50",
        compare="2000",
        barcode="'0123",
        image="https://example.com/a.jpg",
        alt="A cup",
    )
    assert draft.details is not None
    assert (draft.details.description, draft.details.vendor) == ("<p>Tea</p> ", "Kiln")
    assert draft.details.tags == ("tea", "茶")
    assert draft.category == (CategoryName("", "Cups"),)
    assert draft.option_names == ("Size",)
    spec = draft.variants[0].spec
    assert (spec.options, spec.sku, spec.barcode) == (("Big",), "CUP-1", "0123")
    assert (spec.price, spec.compare_at_price) == (Money(123450, "CNY"), Money(200000, "CNY"))
    assert (spec.stock, spec.tracked, spec.oversell, spec.weight_grams) == (7, True, True, 250)
    assert draft.images[0].image == Image("https://example.com/a.jpg", "A cup")


def test_a_blank_tracker_is_stock_that_nobody_counts() -> None:
    assert not one(tracker="", qty="1").variants[0].spec.tracked
    assert one(tracker="shopify", qty="1").variants[0].spec.tracked


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({}, "active"),
        ({"published": "TRUE"}, "active"),
        ({"published": "false"}, "draft"),
        ({"published": "false", "status": "archived"}, "archived"),
        ({"status": "Draft"}, "draft"),
        ({"gift": "true"}, "draft"),
        ({"gift": "true", "status": "archived"}, "archived"),
    ],
)
def test_the_status(cells: dict[str, str], status: str) -> None:
    details = one(**cells).details
    assert details is not None
    assert details.status == status


@pytest.mark.parametrize(
    ("cells", "path"),
    [
        ({"type": "Cups", "tags": "tea"}, [("", "Cups")]),
        ({"tags": "tea, cup"}, [("", "tea")]),
        ({}, []),
        ({"category": "Home > Kitchen", "type": "Cups"}, [("", "Home"), ("", "Kitchen")]),
    ],
)
def test_the_category_is_said_or_the_type_or_the_first_tag(cells: dict[str, str], path: list[tuple[str, str]]) -> None:
    assert list(one(**cells).category) == path


@pytest.mark.parametrize(
    ("weight", "unit", "grams"),
    [("1", "kg", 1000), ("1.5", "KG", 1500), ("1", "lb", 454), ("2", "oz", 57), ("28", "g", 28), ("3", "", 3)],
)
def test_weights_become_grams(weight: str, unit: str, grams: int) -> None:
    assert one(weight=weight, unit=unit).variants[0].spec.weight_grams == grams


def test_shopifys_grams_are_grams_whatever_the_unit_says() -> None:
    assert one(grams="28", unit="oz").variants[0].spec.weight_grams == 28
    assert one(grams="453.592", unit="lb").variants[0].spec.weight_grams == 454


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"price": "-1"}, "CSV_PRICE_INVALID"),
        ({"price": "1.005"}, "CSV_PRICE_INVALID"),
        ({"price": "12,34.00"}, "CSV_PRICE_INVALID"),
        ({"price": "1e3"}, "CSV_PRICE_INVALID"),
        ({"price": "NaN"}, "CSV_PRICE_INVALID"),
        ({"price": "¥5"}, "CSV_PRICE_INVALID"),
        ({"price": "٥"}, "CSV_PRICE_INVALID"),
        ({"price": "9" * 400}, "CSV_PRICE_INVALID"),
        ({"compare": "-1"}, "CSV_PRICE_INVALID"),
        ({"price": "", "value": "Big"}, "CSV_PRICE_MISSING"),
        ({"qty": "-3"}, "CSV_NUMBER_INVALID"),
        ({"qty": "1.5"}, "CSV_NUMBER_INVALID"),
        ({"qty": "1000000001"}, "CSV_NUMBER_INVALID"),
        ({"qty": "9" * 5000}, "CSV_NUMBER_INVALID"),
        ({"grams": "-1"}, "CSV_WEIGHT_INVALID"),
        ({"grams": "1e9"}, "CSV_WEIGHT_INVALID"),
        ({"grams": "99999999999"}, "CSV_WEIGHT_INVALID"),
        ({"weight": "1", "unit": "stone"}, "CSV_WEIGHT_INVALID"),
        ({"published": "maybe"}, "CSV_CHOICE_INVALID"),
        ({"status": "secret"}, "CSV_CHOICE_INVALID"),
        ({"policy": "sometimes"}, "CSV_CHOICE_INVALID"),
        ({"image": "javascript:alert(1)"}, "CSV_URL_INVALID"),
        ({"image": "https://"}, "CSV_URL_INVALID"),
        ({"image": "https://[half"}, "CSV_URL_INVALID"),
        ({"image": "https://example.com/a b.jpg"}, "CSV_URL_INVALID"),
        ({"title": "T" * 256}, "CSV_TOO_LONG"),
        ({"body": "b" * 65_536}, "CSV_TOO_LONG"),
        ({"sku": "S" * 121}, "CSV_TOO_LONG"),
        ({"category": "c" * 161}, "CSV_TOO_LONG"),
        ({"title": "a\x00b"}, "CSV_NOT_PRINTABLE"),
        ({"body": "\x1b[31m"}, "CSV_NOT_PRINTABLE"),
        ({"sku": "A\u200bB"}, "CSV_INVISIBLE_CHARACTER"),
        ({"sku": "A\u202eB"}, "CSV_INVISIBLE_CHARACTER"),
        ({"barcode": "1\u20602"}, "CSV_INVISIBLE_CHARACTER"),
        ({"handle": "cup\u200b"}, "CSV_INVISIBLE_CHARACTER"),
        ({"handle": ""}, "CSV_HANDLE_MISSING"),
        ({"handle": "a b"}, "CSV_HANDLE_INVALID"),
        ({"handle": "../etc"}, "CSV_HANDLE_INVALID"),
        ({"handle": "-cup"}, "CSV_HANDLE_INVALID"),
        ({"handle": "h" * 121}, "CSV_TOO_LONG"),
    ],
)
def test_what_a_row_is_refused_for(cells: dict[str, str], code: str) -> None:
    found, words = why_not(**cells)
    assert found == code
    assert words.isprintable()


def test_numbers_a_spreadsheet_writes_are_read() -> None:
    spec = one(qty="5.0", price="1,000", tracker="shopify").variants[0].spec
    assert (spec.stock, spec.price.amount) == (5, 100000)


def test_zero_width_and_right_to_left_text_stays_in_titles() -> None:
    details = one(title="\u202bקפה\u202c \u200dtea").details
    assert details is not None
    assert details.title == "\u202bקפה\u202c \u200dtea"


def test_a_handle_in_any_script_is_folded() -> None:
    assert one(handle="夏季-Ｔ恤_2").handle == "夏季-t恤_2"


def test_a_bad_row_costs_only_itself() -> None:
    drafts, refusals = read_rows(
        row(name="Size", value="S"), more(value="M", price="-1"), more(value="L"), row(handle="pot", title="Pot")
    )
    assert [draft.handle for draft in drafts] == ["cup", "pot"]
    assert [variant.spec.options for variant in drafts[0].variants] == [("S",), ("L",)]
    assert [(refusal.line, refusal.handle) for refusal in refusals] == [(3, "cup")]


def test_a_bad_first_row_costs_its_product_and_names_every_row_of_it() -> None:
    drafts, refusals = read_rows(row(price="-1"), more(value="M"), more(value="L"), row(handle="pot", title="Pot"))
    assert [draft.handle for draft in drafts] == ["pot"]
    assert [(refusal.line, refusal.error.code) for refusal in refusals] == [
        (2, "CSV_PRICE_INVALID"),
        (3, "CSV_FIRST_ROW_REFUSED"),
        (4, "CSV_FIRST_ROW_REFUSED"),
    ]


def test_options_may_change_their_name_or_lose_it_in_later_rows() -> None:
    drafts, refusals = read_rows(
        row(name="Color", value="Blue"), more(name="Colour", value="Red"), more(name="", value="Green")
    )
    assert not refusals
    assert drafts[0].option_names == ("Color",)
    assert [variant.spec.options for variant in drafts[0].variants] == [("Blue",), ("Red",), ("Green",)]


def test_title_default_title_means_no_options() -> None:
    draft = one(name="Title", value="Default Title")
    assert (draft.option_names, draft.variants[0].spec.options) == ((), ())
    assert one(name="Title", value="Mr").option_names == ("Title",)


def test_image_only_rows_and_rows_with_nothing() -> None:
    drafts, refusals = read_rows(row(), more(price="", image="https://example.com/2.jpg"), more(price=""))
    assert len(drafts[0].images) == 1
    assert [(refusal.line, refusal.error.code) for refusal in refusals] == [(4, "CSV_ROW_EMPTY")]


def test_a_row_cut_off_or_too_long_is_refused() -> None:
    content = csv_text(row(), row(handle="pot", title="Pot"))
    cut = content[: content.rindex("5") + 1]
    drafts, refusals = read(cut)
    assert [draft.handle for draft in drafts] == ["cup"]
    assert [(refusal.line, refusal.error.code) for refusal in refusals] == [(3, "CSV_CELL_COUNT")]
    drafts, refusals = read(content.rstrip("\n") + ",more\n")
    assert [(refusal.line, refusal.error.code) for refusal in refusals] == [(3, "CSV_CELL_COUNT")]


def test_blank_lines_are_counted_and_nothing_else() -> None:
    reader = ShopifyCsv("CNY")
    content = "\n\n" + csv_text(row()) + "\n" + "," * (len(HEADER) - 1) + "\n"
    drafts, refusals = read(content, reader=reader)
    assert (len(drafts), refusals, reader.rows, reader.blank_rows) == (1, [], 1, 2)


@pytest.mark.parametrize(
    "content", ["", "\n\n", "cup,Cup,5\n", "handle;title\n", "Handle,Price\n", "just text\n" * 3, '"never closed']
)
def test_a_file_without_a_header(content: str) -> None:
    with pytest.raises(HeaderMissing) as refused:
        read(content)
    assert "Missing" in str(refused.value)


def test_a_column_named_twice() -> None:
    with pytest.raises(HeaderRepeated):
        read("Handle,Title,SKU,Variant SKU\n")


def test_header_names_are_forgiving_and_shopifys_newer_ones_known() -> None:
    drafts, refusals = read('\ufeff"URL handle",TITLE,price,  sku\ncup,Cup,5,S1\n')
    assert not refusals
    assert drafts[0].variants[0].spec.sku == "S1"
    assert "description" not in drafts[0].given
    assert {"title", "price", "sku"} <= drafts[0].given


def test_unknown_columns_are_named_once_and_only_if_they_say_something() -> None:
    reader = ShopifyCsv("CNY")
    read("Handle,Title,Variant Price,Cost per item,Empty,\ncup,Cup,5,3,,\npot,Pot,5,4,,\n", reader=reader)
    assert reader.not_kept == ["Cost per item"]


def test_a_handle_with_very_many_rows_comes_in_parts() -> None:
    rows = [more(name="Size", value=str(number)) for number in range(ROWS_AT_ONCE)]
    drafts, refusals = read_rows(row(name="Size", value="first"), *rows)
    assert not refusals
    assert [len(draft.variants) for draft in drafts] == [ROWS_AT_ONCE, 1]
    assert drafts[1].details is None


def test_gift_cards_are_counted() -> None:
    reader = ShopifyCsv("CNY")
    read(csv_text(row(gift="true"), row(handle="pot", title="Pot", gift="false")), reader=reader)
    assert reader.gift_cards == 1
