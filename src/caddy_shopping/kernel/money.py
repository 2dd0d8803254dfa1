"""Money in integer minor units (ISO 4217), so that no sum ever loses or gains a cent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction

from caddy_shopping.kernel.errors import Invalid

# ISO 4217 exponents that are not two; every currency not listed has two decimal places.
_EXPONENTS = dict.fromkeys(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ],
    0,
) | (dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3))
MAX_AMOUNT = 2**53 - 1
"""Largest amount in minor units: what every JSON reader can hold without rounding (RFC 8259 §6)."""


class CurrencyMismatch(Invalid):
    code = "CURRENCY_MISMATCH"
    en = "{left} and {right} cannot be added up."
    zh = "{left} 与 {right} 不能相加。"


class AmountInvalid(Invalid):
    code = "AMOUNT_INVALID"
    en = "'{amount}' is not an amount of {currency}: give a plain decimal number with at most {places} decimal places."
    zh = "“{amount}”不是有效的 {currency} 金额，最多 {places} 位小数。"


def exponent(currency: str) -> int:
    """Decimal places of a currency's minor unit (ISO 4217): 2 for CNY, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units and its ISO 4217 currency: `Money(9999, "CNY")` is 99.99 yuan."""

    amount: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """Read a decimal number of major units, `"99.99"`. Raises `AmountInvalid` rather than round."""
        places = exponent(currency)
        try:
            minor = Decimal(text).scaleb(places)
            if not minor.is_finite() or minor != minor.to_integral_value() or abs(minor) > MAX_AMOUNT:
                raise InvalidOperation
        except InvalidOperation:
            raise AmountInvalid(amount=text, currency=currency, places=places) from None
        return cls(int(minor), currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @classmethod
    def sum(cls, parts: "Iterable[Money]", currency: str) -> "Money":
        total = cls(0, currency)
        for part in parts:
            total = total + part
        return total

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount * quantity, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self) -> str:
        """The amount in major units, `"99.99"`."""
        return f"{Decimal(self.amount).scaleb(-exponent(self.currency)):f}"

    def share(self, rate: Fraction) -> "Money":
        """`rate` of this amount, half a minor unit rounded away from zero."""
        exact = Fraction(self.amount) * rate
        rounded = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal(1), ROUND_HALF_UP)
        return Money(int(rounded), self.currency)

    def split(self, weights: Sequence[int]) -> "list[Money]":
        """Divide by `weights` so that the parts add up to the whole (largest remainder method)."""
        whole = sum(weights)
        if whole <= 0 or min(weights) < 0:
            raise ValueError("weights must be non-negative and not all zero")
        floors = [self.amount * weight // whole for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda i: (-(self.amount * weights[i] % whole), i))
        for i in by_remainder[: self.amount - sum(floors)]:
            floors[i] += 1
        return [Money(part, self.currency) for part in floors]

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(left=self.currency, right=other.currency)
        return other.amount
