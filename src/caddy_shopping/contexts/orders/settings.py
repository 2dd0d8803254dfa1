"""Settings of the orders context: environment variables `SHOP_ORDERS_…`, lists and tables as JSON."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Amount = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=3)]
Rate = Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)]
"""A share: 0.13 is 13 %."""


class ShippingMethodSettings(BaseModel, extra="forbid", frozen=True):
    """Amounts are in major units of the cart's currency.

    Costs `price`, and `per_kg` for each kilogram begun; nothing from goods worth `free_from` on. Offered
    in `countries` (ISO 3166-1 alpha-2), or everywhere.
    """

    code: str = Field(min_length=1, max_length=64)
    name: str
    name_zh: str = ""
    price: Amount
    per_kg: Amount = Decimal(0)
    free_from: Amount | None = None
    countries: frozenset[str] = frozenset()


class OrdersSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_ORDERS_", env_file=".env", extra="ignore")

    payment_minutes: int = Field(default=30, ge=1)
    """How long an order awaits its payment."""
    hold_seconds: int = Field(default=120, ge=10)
    """How long reserved stock waits for the order that is being placed."""
    expire_every_seconds: float = Field(default=15, gt=0)
    keep_refused_days: int = Field(default=30, ge=1)
    """How long ids under which no order came to be are remembered."""
    shipping_methods: list[ShippingMethodSettings] = Field(
        default=[
            ShippingMethodSettings(
                code="standard", name="Standard", name_zh="标准配送", price=Decimal(10), free_from=Decimal(200)
            ),
            ShippingMethodSettings(
                code="express", name="Express", name_zh="特快配送", price=Decimal(18), per_kg=Decimal(6)
            ),
        ],
        min_length=1,
    )
    """`[{"code": "standard", "name": "Standard", "price": "10.00", "free_from": "200.00"}, …]`"""
    tax_included: bool = True
    """Whether prices include tax, as they do in most countries' shops."""
    tax_rate: Rate = Decimal("0.13")
    tax_rates: dict[UUID, Rate] = Field(default_factory=dict)
    """Rates by category id; a category without one takes its parent's. `{"0198…": "0.09"}`"""
    tax_shipping: bool = True
