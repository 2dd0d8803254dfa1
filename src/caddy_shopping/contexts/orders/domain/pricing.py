"""What a selection costs: goods, shipping, tax. Pure; the parts always add up to the total.

Rounding rule: tax is computed once per line, on the line's amount (unit price by quantity), and
once for the shipping, each rounded half away from zero to the minor unit. Where prices include tax,
it is the share rate / (1 + rate) of the amount; where not, rate of it is added. Nothing is rounded
after that: the total is the plain sum of the lines' totals and the shipping's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from uuid import UUID

from caddy_shopping.contexts.orders.domain.errors import (
    CartEmpty,
    CurrenciesMixed,
    NothingShipsThere,
    ShippingMethodUnknown,
    TotalTooLarge,
)
from caddy_shopping.contracts.products import VariantView
from caddy_shopping.kernel.money import MAX_AMOUNT, Money


@dataclass(frozen=True, slots=True)
class ShippingMethod:
    """A way to ship. Amounts are decimal texts in major units of the cart's currency.

    Costs `price` plus `per_kg` for every kilogram begun; nothing from goods worth `free_from` on.
    Offered in `countries` (ISO 3166-1 alpha-2), or everywhere where that is empty.
    """

    code: str
    names: Mapping[str, str]
    price: str
    per_kg: str = "0"
    free_from: str | None = None
    countries: frozenset[str] = frozenset()

    def free(self, goods: Money) -> bool:
        return self.free_from is not None and Money.parse(self.free_from, goods.currency) <= goods

    def cost(self, goods: Money, grams: int) -> Money:
        """The price for goods of this worth and weight."""
        if self.free(goods):
            return Money.zero(goods.currency)
        kilograms = -(-grams // 1000)
        return Money.parse(self.price, goods.currency) + Money.parse(self.per_kg, goods.currency) * kilograms


@dataclass(frozen=True, slots=True)
class Tax:
    """`rates` by category; the one nearest to the variant counts, `rate` where there is none."""

    included: bool
    rate: Fraction
    rates: Mapping[UUID, Fraction] = field(default_factory=dict)
    on_shipping: bool = True

    def rate_of(self, variant: VariantView) -> Fraction:
        if not variant.taxable:
            return Fraction(0)
        return next((self.rates[category] for category in variant.category_ids if category in self.rates), self.rate)

    def of(self, amount: Money, rate: Fraction) -> Money:
        """The tax in (or on) `amount`."""
        return amount.share(rate / (1 + rate) if self.included else rate)


@dataclass(frozen=True, slots=True)
class PricedLine:
    """`total` is what the buyer pays for the line, tax included; `amount` is unit price by quantity."""

    variant: VariantView
    quantity: int
    amount: Money
    rate: Fraction
    tax: Money
    total: Money


@dataclass(frozen=True, slots=True)
class PricedShipping:
    """One method's price for this cart; `method` None where there is nothing to ship."""

    method: ShippingMethod | None
    grams: int
    amount: Money
    rate: Fraction
    tax: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Quote:
    """`options` are all methods offered, `shipping` the chosen one. `tax` is part of `total` either way."""

    lines: list[PricedLine]
    options: list[PricedShipping]
    shipping: PricedShipping
    tax_included: bool

    @property
    def subtotal(self) -> Money:
        return Money.sum((line.amount for line in self.lines), self.shipping.total.currency)

    @property
    def tax(self) -> Money:
        return Money.sum((line.tax for line in self.lines), self.shipping.total.currency) + self.shipping.tax

    @property
    def total(self) -> Money:
        return Money.sum((line.total for line in self.lines), self.shipping.total.currency) + self.shipping.total


@dataclass(frozen=True, slots=True)
class PriceRules:
    """The shop's shipping methods and taxes."""

    methods: Sequence[ShippingMethod]
    tax: Tax

    def quote(self, items: Sequence[tuple[VariantView, int]], method: str | None, country: str | None) -> Quote:
        """Price `items` (variant, quantity), shipped by `method` (None: the first that is offered).

        Raises `CartEmpty`, `CurrenciesMixed`, `ShippingMethodUnknown`, `NothingShipsThere`, `TotalTooLarge`.
        """
        if not items:
            raise CartEmpty()
        currency = items[0][0].price.currency
        for variant, _ in items:
            if variant.price.currency != currency:
                raise CurrenciesMixed(left=currency, right=variant.price.currency)
        lines = [self._line(variant, quantity) for variant, quantity in items]
        options = self._options(lines, country)
        quote = Quote(lines, options, _chosen(options, method), self.tax.included)
        if quote.total.amount > MAX_AMOUNT:
            raise TotalTooLarge()
        return quote

    def ships(self, method: str | None, country: str | None) -> bool:
        """Whether goods are sent to `country` by `method` (None: by any); where not, only what needs no shipping is."""
        offered = [] if country is None else self._offered(country)
        return any(method in (None, each.code) for each in offered)

    def _offered(self, country: str | None) -> list[ShippingMethod]:
        return [m for m in self.methods if country is None or not m.countries or country in m.countries]

    def _line(self, variant: VariantView, quantity: int) -> PricedLine:
        amount, rate = variant.price * quantity, self.tax.rate_of(variant)
        tax = self.tax.of(amount, rate)
        return PricedLine(variant, quantity, amount, rate, tax, amount if self.tax.included else amount + tax)

    def _options(self, lines: Sequence[PricedLine], country: str | None) -> list[PricedShipping]:
        shipped = [line for line in lines if line.variant.requires_shipping]
        goods = Money.sum((line.amount for line in lines), lines[0].amount.currency)
        if not shipped:
            return [self._shipping(None, 0, Money.zero(goods.currency))]
        grams = sum(line.variant.weight_grams * line.quantity for line in shipped)
        offered = self._offered(country)
        if not offered:
            raise NothingShipsThere(country=country)
        return [self._shipping(method, grams, method.cost(goods, grams)) for method in offered]

    def _shipping(self, method: ShippingMethod | None, grams: int, amount: Money) -> PricedShipping:
        rate = self.tax.rate if self.tax.on_shipping and amount else Fraction(0)
        tax = self.tax.of(amount, rate)
        return PricedShipping(method, grams, amount, rate, tax, amount if self.tax.included else amount + tax)


def _chosen(options: Sequence[PricedShipping], method: str | None) -> PricedShipping:
    if method is None or options[0].method is None:
        return options[0]
    for option in options:
        if option.method is not None and option.method.code == method:
            return option
    raise ShippingMethodUnknown(method=method, offered=", ".join(o.method.code for o in options if o.method))
