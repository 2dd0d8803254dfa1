"""Slugs, categories, pictures and demand."""

import pytest

from caddy_shopping.contexts.products.domain.category import MAX_DEPTH, Category, ids_of
from caddy_shopping.contexts.products.domain.errors import (
    CategoryLoop,
    CategoryTooDeep,
    ImageTooLarge,
    ImageTypeUnknown,
)
from caddy_shopping.contexts.products.domain.pictures import MAX_BYTES, is_name, media_type, name_of
from caddy_shopping.contexts.products.domain.slug import MAX_SLUG, search_key, slug_of
from caddy_shopping.contexts.products.domain.stock import demand
from caddy_shopping.contracts.products import ReservationLine
from caddy_shopping.kernel.ids import new_id


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Wool Jumper", "wool-jumper"),
        ("  --A & B!! ", "a-b"),
        ("夏季 T恤 2026!", "夏季-t恤-2026"),
        ("ＦＵＬＬ Ｗｉｄｔｈ", "full-width"),
        ("Straße Çà", "strasse-çà"),
        ("हिन्दी", "हिन्दी"),
        ("\u202e\u200b!!", ""),
        ("x" * 500, "x" * MAX_SLUG),
        ("a/../b", "a-b"),
        ("ß\u0301 Ϋ\u0301", "sś-\u03b0"),
    ],
)
def test_a_slug_keeps_letters_and_digits_of_every_script(text: str, slug: str) -> None:
    assert slug_of(text) == slug
    assert slug_of(slug) == slug


def test_a_search_key_folds_case_and_width_and_drops_what_nobody_sees() -> None:
    assert search_key(" Ａpple\u200b \x00 PIE ") == "apple pie"


def test_a_path_leads_from_a_category_to_its_root() -> None:
    top = Category.create("a", "A")
    below = Category.create("b", "B", top)
    assert ids_of(below.path) == [below.id, top.id]
    assert below.path.startswith(top.path)


def test_a_category_cannot_lie_below_itself() -> None:
    top = Category.create("a", "A")
    below = Category.create("b", "B", top)
    for parent in (top, below):
        with pytest.raises(CategoryLoop):
            top.move(parent)
    below.move(None)
    assert (below.parent_id, below.version) == (None, 2)


def test_categories_nest_only_so_deep() -> None:
    parent = None
    for _ in range(MAX_DEPTH):
        parent = Category.create("a", "A", parent)
    with pytest.raises(CategoryTooDeep):
        Category.create("a", "A", parent)


@pytest.mark.parametrize(
    ("content", "ending", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "png", "image/png"),
        (b"\xff\xd8\xff\xe0....", "jpg", "image/jpeg"),
        (b"GIF89a....", "gif", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp", "image/webp"),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(content: bytes, ending: str, kind: str) -> None:
    name = name_of(content)
    assert name.endswith("." + ending)
    assert is_name(name)
    assert media_type(name) == kind


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"RIFF....WAVEfmt ", b"MZ", b"%PDF-1.4"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(ImageTypeUnknown):
        name_of(content)


def test_a_picture_of_more_than_five_mebibytes_is_refused() -> None:
    head = b"\x89PNG\r\n\x1a\n"
    assert name_of(head.ljust(MAX_BYTES, b"x"))
    with pytest.raises(ImageTooLarge):
        name_of(head.ljust(MAX_BYTES + 1, b"x"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a.png", "0" * 40 + ".svg", "0" * 40 + ".png/x", ""])
def test_other_names_are_never_looked_for(name: str) -> None:
    assert not is_name(name)


def test_demand_is_summed_per_variant_and_sorted_by_id() -> None:
    first, second = sorted((new_id(), new_id()))
    lines = [ReservationLine(second, 1), ReservationLine(first, 2), ReservationLine(second, 3)]
    assert list(demand(lines).items()) == [(first, 2), (second, 4)]
