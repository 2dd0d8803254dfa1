from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from caddy_shopping.contexts.products.domain.errors import ProductInvalid
from caddy_shopping.contexts.products.domain.product import Image, Product, Status
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec
from caddy_shopping.contracts.products import ProductChanged, VariantNotFound
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.kernel.money import MAX_AMOUNT, Money

NOW = datetime(2026, 3, 14, tzinfo=UTC)
LATER = datetime(2026, 3, 15, tzinfo=UTC)


def spec(price: int = 100, *options: str, **more: Any) -> VariantSpec:
    return VariantSpec(price=Money(price, "CNY"), options=options, **more)


def a_product(*variants: VariantSpec, options: tuple[str, ...] = (), **details: Any) -> Product:
    about = ProductDetails(**{"title": "Jumper", "status": "active"} | details)
    return Product.create("jumper", about, options, variants or (spec(),), (), "CNY", NOW)


def test_a_new_product_is_version_one_and_tells_of_itself() -> None:
    product = a_product()
    assert product.version == 1
    assert product.take_events() == [ProductChanged(product_id=product.id, slug="jumper")]


def test_the_root_keeps_ready_what_lists_show() -> None:
    product = a_product(
        spec(300, "L"),
        spec(200, "S", compare_at_price=Money(250, "CNY"), image_url="https://a/s.jpg"),
        options=("Size",),
    )
    assert (product.min_price_amount, product.max_price_amount, product.compare_at_amount) == (200, 300, 250)
    assert product.image_url == "https://a/s.jpg"
    product.change(LATER, images=[Image("https://a/1.jpg")])
    assert product.image_url == "https://a/1.jpg"
    assert product.updated_at == LATER
    assert product.is_active


def test_a_missing_sku_is_made_and_stays() -> None:
    product = a_product(spec(1, "S"), spec(1, "L"), options=("Size",))
    first, second = product.variants
    assert first.sku
    assert first.sku != second.sku
    made = first.sku
    product.change(LATER, offer=(("Size",), [spec(2, "S"), spec(2, "L")]))
    assert first.sku == made


def test_variants_are_recognised_by_id_sku_and_values_and_keep_their_stock() -> None:
    product = a_product(
        spec(1, "S", stock=3), spec(1, "M", sku="M-1", stock=4), spec(1, "L", stock=5), options=("Size",)
    )
    small, medium, large = product.variants
    offer = [spec(2, "XS", id=small.id, stock=99), spec(3, "Medium", sku="M-1"), spec(4, "L"), spec(5, "XL", stock=6)]
    product.change(LATER, offer=(("Size",), offer))
    assert [variant.id for variant in product.offered[:3]] == [small.id, medium.id, large.id]
    assert [(v.options, v.price_amount, v.stock) for v in product.offered] == [
        (["XS"], 2, 3),
        (["Medium"], 3, 4),
        (["L"], 4, 5),
        (["XL"], 5, 6),
    ]


def test_a_variant_that_is_left_out_is_archived_and_comes_back_by_its_sku() -> None:
    product = a_product(spec(1, "S", sku="S-1", stock=3), spec(9, "L"), options=("Size",))
    gone = product.variants[0]
    product.change(LATER, offer=(("Size",), [spec(9, "L")]))
    assert gone.archived
    assert gone in product.variants
    assert product.min_price_amount == 9
    product.change(LATER, offer=(("Size",), [spec(9, "L"), spec(2, "S", sku="S-1")]))
    assert not gone.archived
    assert (gone.stock, product.min_price_amount) == (3, 2)


def test_one_variant_is_not_taken_twice() -> None:
    product = a_product(spec(1, "S", sku="A"), options=("Size",))
    product.change(LATER, offer=(("Size",), [spec(1, "M", sku="A"), spec(1, "S")]))
    assert len({variant.id for variant in product.offered}) == 2


def test_somebody_elses_variant_is_refused_and_nothing_changes() -> None:
    product = a_product()
    before = product.version
    with pytest.raises(VariantNotFound):
        product.change(LATER, details=ProductDetails(title="New"), offer=((), [spec(7, id=new_id())]))
    assert (product.title, product.version, product.variants[0].price_amount) == ("Jumper", before, 100)


@pytest.mark.parametrize(
    ("options", "variants", "pointer"),
    [
        ((), (), "/variants"),
        (("A", "B", "C", "D"), (spec(1, "1", "2", "3", "4"),), "/options"),
        (("A", "A"), (spec(1, "1", "2"),), "/options"),
        ((" ",), (spec(1, "x"),), "/options"),
        (("A",), (spec(1),), "/variants/0/options"),
        (("A",), (spec(1, " "),), "/variants/0/options"),
        (("A",), (spec(1, "x"), spec(1, "x")), "/variants/1/options"),
        (("A",), (spec(1, "x", sku="s"), spec(1, "y", sku="s")), "/variants/1/sku"),
        ((), (spec(-1),), "/variants/0/price"),
        ((), (spec(MAX_AMOUNT + 1),), "/variants/0/price"),
        ((), (VariantSpec(price=Money(1, "USD")),), "/variants/0/price"),
        ((), (spec(1, compare_at_price=Money(-1, "CNY")),), "/variants/0/compareAtPrice"),
        ((), (spec(1, stock=-1),), "/variants/0/stock"),
        ((), (spec(1, weight_grams=-1),), "/variants/0/weightGrams"),
        ((), (spec(1, sku="s" * 121),), "/variants/0/sku"),
        ((), (spec(1, barcode="s" * 121),), "/variants/0/barcode"),
    ],
)
def test_an_offer_that_makes_no_sense_is_refused(
    options: tuple[str, ...], variants: tuple[VariantSpec, ...], pointer: str
) -> None:
    with pytest.raises(ProductInvalid) as refusal:
        Product.create("x", ProductDetails(title="X"), options, variants, (), "CNY", NOW)
    assert pointer in [detail.pointer for detail in refusal.value.details]


@pytest.mark.parametrize(
    ("details", "pointer"),
    [
        ({"title": " "}, "/title"),
        ({"vendor": "v" * 161}, "/vendor"),
        ({"seo_title": "v" * 256}, "/seoTitle"),
        ({"tags": ("t" * 161,)}, "/tags"),
    ],
)
def test_details_that_are_too_much_are_refused(details: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ProductInvalid) as refusal:
        a_product(**details)
    assert [detail.pointer for detail in refusal.value.details] == [pointer]


def test_tags_are_trimmed_and_said_once() -> None:
    assert a_product(tags=(" wool", "wool ", "", "red")).tags == ["wool", "red"]


def test_archiving_twice_changes_once() -> None:
    product = a_product()
    product.archive(LATER)
    version = product.version
    product.archive(LATER)
    assert (product.status, product.is_active, product.version) == (Status.ARCHIVED, False, version)


def test_a_spec_of_a_variant_describes_it_whole() -> None:
    given = spec(
        5, sku="A", compare_at_price=Money(9, "CNY"), stock=2, weight_grams=3, barcode="4", taxable=False,
        requires_shipping=False, tracked=False, oversell=True, image_url="https://a/b",
    )  # fmt: skip
    variant = a_product(given).variants[0]
    assert variant.spec() == msgspec.structs.replace(given, id=variant.id)
    assert variant.compare_at_price == Money(9, "CNY")
