"""Shipping and tax from the environment."""

from decimal import Decimal
from fractions import Fraction

import pytest
from pydantic import ValidationError

from caddy_shopping.contexts.orders.module import price_rules
from caddy_shopping.contexts.orders.settings import OrdersSettings
from caddy_shopping.kernel.ids import new_id
from tests.contexts.orders.fakes import a_variant


def test_the_defaults_are_sane() -> None:
    rules = price_rules(OrdersSettings())
    light, dear = [(a_variant(10000, grams=1200), 1)], [(a_variant(20000), 1)]
    assert rules.quote(light, "standard", "CN").shipping.amount.amount == 1000
    assert rules.quote(dear, "standard", "CN").shipping.amount.amount == 0
    assert rules.quote(light, "express", "CN").shipping.amount.amount == 1800 + 2 * 600
    assert rules.quote(light, None, None).tax_included


def test_methods_and_rates_come_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    books = new_id()
    monkeypatch.setenv("SHOP_ORDERS_SHIPPING_METHODS", '[{"code": "bike", "name": "By bike", "price": "4.50"}]')
    monkeypatch.setenv("SHOP_ORDERS_TAX_INCLUDED", "false")
    monkeypatch.setenv("SHOP_ORDERS_TAX_RATE", "0.2")
    monkeypatch.setenv("SHOP_ORDERS_TAX_RATES", f'{{"{books}": "0.05"}}')
    rules = price_rules(OrdersSettings())
    quote = rules.quote([(a_variant(1000, categories=[books]), 1)], "bike", None)
    assert (quote.lines[0].rate, quote.lines[0].tax.amount) == (Fraction(1, 20), 50)
    assert (quote.shipping.amount.amount, quote.shipping.tax.amount, quote.total.amount) == (450, 90, 1590)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHIPPING_METHODS", "[]"),
        ("SHIPPING_METHODS", '[{"code": "bike", "name": "By bike", "price": "-1"}]'),
        ("SHIPPING_METHODS", '[{"code": "bike", "name": "By bike", "price": "1", "colour": "red"}]'),
        ("TAX_RATE", "13"),
        ("PAYMENT_MINUTES", "0"),
    ],
)
def test_nonsense_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"SHOP_ORDERS_{name}", value)
    with pytest.raises(ValidationError):
        OrdersSettings()
    assert OrdersSettings.model_fields["tax_rate"].default == Decimal("0.13")
