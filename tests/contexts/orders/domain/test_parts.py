"""Parcels go to places that can be read."""

import msgspec
import pytest

from caddy_shopping.contexts.orders.domain.parts import Address

PLACE = {"name": "Li Lei", "line1": "1 Nanjing Road", "city": "Shanghai", "country": "CN"}


@pytest.mark.parametrize("field", ["name", "line1", "city"])
@pytest.mark.parametrize("text", ["   ", "\u200b", "\u202e\u202c", "\u3164"])
def test_an_address_shows_who_and_where(field: str, text: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="visible"):
        msgspec.convert({**PLACE, field: text}, Address)


@pytest.mark.parametrize("country", ["CN\n", "cn", "C", "CHN", "", "C\u200b"])
def test_a_country_is_two_letters_and_nothing_else(country: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**PLACE, "country": country}, Address)


def test_any_writing_will_do() -> None:
    for text in ("李雷", "لي لي", "O'Neill"):
        assert msgspec.convert({**PLACE, "name": text}, Address).name == text
