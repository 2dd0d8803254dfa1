"""What cannot be seen makes no product and no code."""

import msgspec
import pytest

from caddy_shopping.contexts.products.domain.errors import ProductInvalid
from caddy_shopping.contexts.products.domain.specs import ProductDetails, VariantSpec, check_details, check_variants
from caddy_shopping.kernel.money import Money

PRICE = Money(100, "CNY")


@pytest.mark.parametrize("title", ["", "   ", "\u200b", "\u202e\u202c", "\n"])
def test_a_title_shows_something(title: str) -> None:
    with pytest.raises(ProductInvalid) as caught:
        check_details(ProductDetails(title=title))
    assert [detail.pointer for detail in caught.value.details] == ["/title"]


@pytest.mark.parametrize("title", ["a", "李", "\u202bקפה\u202c", "می\u200cخواهم"])
def test_any_writing_is_a_title(title: str) -> None:
    check_details(ProductDetails(title=title))


@pytest.mark.parametrize("field", ["sku", "barcode"])
@pytest.mark.parametrize("code", ["A\u200bB", "A\u202eB", "\ufeffA", " A", "A ", "A\nB", "\u2028"])
def test_a_code_hides_nothing(field: str, code: str) -> None:
    with pytest.raises(ProductInvalid) as caught:
        check_variants((), [msgspec.structs.replace(VariantSpec(price=PRICE), **{field: code})], "CNY")
    assert [detail.pointer for detail in caught.value.details] == [f"/variants/0/{field}"]


@pytest.mark.parametrize("code", [None, "", "A-1", "A 1", "李-1", "Ä1"])
def test_any_visible_code_will_do(code: str | None) -> None:
    check_variants((), [VariantSpec(price=PRICE, sku=code, barcode=code)], "CNY")
