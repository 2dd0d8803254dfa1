"""One cell of a product CSV to one value. Everything here refuses rather than guesses."""

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from caddy_shopping.contexts.products.domain.csv_columns import GRAMS, WEIGHT, WEIGHT_UNIT, Row
from caddy_shopping.contexts.products.domain.csv_errors import (
    ChoiceInvalid,
    HandleInvalid,
    HandleMissing,
    InvisibleCharacter,
    NotPrintable,
    NumberInvalid,
    PriceInvalid,
    TooLong,
    UrlInvalid,
    WeightInvalid,
    shown,
)
from caddy_shopping.contexts.products.domain.slug import MAX_SLUG
from caddy_shopping.contexts.products.domain.specs import MAX_STOCK
from caddy_shopping.kernel.money import AmountInvalid, Money

MOST = MAX_STOCK
"""Largest count of stock, and largest weight in grams."""
URL_LENGTH = 2048
OURS = "/api/v1/products/media/"
"""Where uploaded pictures are, as an export without a base address writes them."""
_GRAMS = {
    "": Decimal(1),
    "g": Decimal(1),
    "kg": Decimal(1000),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_AMOUNT = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
_WHOLE = re.compile(r"([0-9]+)(?:\.0+)?")
# Shopify writes an apostrophe before digits so that a spreadsheet keeps them as text.
_APOSTROPHE = re.compile(r"'+[0-9]")


def check_printable(row: Row) -> None:
    """Refuse control characters anywhere in the row (NUL bytes, terminal escapes). Tabs and line ends are text."""
    if not _CONTROL.search(row.whole):
        return
    for column, cell in row.items():
        found = _CONTROL.search(cell)
        if found:
            raise NotPrintable(column=column, character=f"U+{ord(found.group()):04X}")


def text(row: Row, column: str, limit: int) -> str:
    """The cell without blanks around it. Zero-width and right-to-left marks stay: they are part of writing."""
    value = row[column].strip()
    if len(value) > limit:
        raise TooLong(column=column, length=len(value), limit=limit)
    return value


def as_written(row: Row, column: str, limit: int) -> str:
    """The cell to the last blank: markup, where blanks may mean something."""
    if len(row[column]) > limit:
        raise TooLong(column=column, length=len(row[column]), limit=limit)
    return row[column]


def identifier(row: Row, column: str, limit: int) -> str:
    """A text that people type or scan: refused where it holds a character that nobody sees."""
    value = text(row, column, limit + 1)
    if _APOSTROPHE.match(value):
        value = value[1:]
    for character in () if value.isascii() and value.isprintable() else value:
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cn"):
            raise InvisibleCharacter(column=column, character=f"U+{ord(character):04X}", value=shown(value))
    if len(value) > limit:
        raise TooLong(column=column, length=len(value), limit=limit)
    return value


def handle(row: Row, column: str) -> str:
    """The product's slug: letters, marks and digits of any script, `-` and `_` between them; case is folded."""
    value = identifier(row, column, MAX_SLUG)
    if not value:
        raise HandleMissing()
    # A slug of ours comes back as it is: folding may undo composing, so doing both again could change it.
    folded = value if value == value.casefold() else unicodedata.normalize("NFKC", value).casefold()
    words = folded.replace("_", "-").split("-")
    if not (words[0] and words[-1]) or any(unicodedata.category(char)[0] not in "LMN" for char in "".join(words)):
        raise HandleInvalid(handle=shown(value))
    return folded


def quoted_identifier(value: str) -> str:
    """How `identifier` is written, so that reading it gives the same again."""
    return f"'{value}" if _APOSTROPHE.match(value) else value


def price(row: Row, column: str, currency: str) -> Money | None:
    """An amount of major units, thousands separated by commas or not; None where blank."""
    value = row[column].strip()
    if not value:
        return None
    if not _AMOUNT.fullmatch(value):
        raise PriceInvalid(column=column, value=shown(value, 40), currency=currency)
    try:
        return Money.parse(value.replace(",", ""), currency)
    except AmountInvalid:
        raise PriceInvalid(column=column, value=shown(value, 40), currency=currency) from None


def whole(row: Row, column: str) -> int:
    """A whole number of zero or more; blank is 0. A spreadsheet's `5.0` is 5."""
    value = row[column].strip()
    if not value:
        return 0
    found = _WHOLE.fullmatch(value)
    # The length is checked first: int() of a million digits takes for ever.
    if found is None or len(found.group(1)) > 12 or int(found.group(1)) > MOST:
        raise NumberInvalid(column=column, value=shown(value, 40), most=MOST)
    return int(found.group(1))


def grams(row: Row) -> int:
    """The weight in whole grams, halves rounded up.

    Shopify's grams are grams whatever the weight unit says, which only tells how to show them; the
    unit counts where the file has a weight column instead.
    """
    column, value, unit = GRAMS, row[GRAMS].strip(), "g"
    if not value:
        column, value, unit = WEIGHT, row[WEIGHT].strip(), row[WEIGHT_UNIT].strip().lower()
    if not value:
        return 0
    try:
        if not _AMOUNT.fullmatch(value) or len(value) > 20:
            raise InvalidOperation
        weight = int(Decimal(value.replace(",", "")) * _GRAMS[unit] + Decimal("0.5"))
    except (InvalidOperation, KeyError):
        raise WeightInvalid(column=column, value=f"{shown(value, 40)} {shown(unit, 10)}".strip(), most=MOST) from None
    if weight > MOST:
        raise WeightInvalid(column=column, value=f"{shown(value, 40)} {shown(unit, 10)}", most=MOST)
    return weight


def truth(row: Row, column: str, blank: bool) -> bool:
    """`true` or `false` in any case; `blank` where nothing is written."""
    value = row[column].strip().lower()
    if not value:
        return blank
    if value not in ("true", "false"):
        raise ChoiceInvalid(column=column, value=shown(value, 40), choices="true or false")
    return value == "true"


def choice(row: Row, column: str, choices: tuple[str, ...], blank: str) -> str:
    """One of `choices` in any case; `blank` where nothing is written."""
    value = row[column].strip().lower() or blank
    if value not in choices:
        raise ChoiceInvalid(column=column, value=shown(value, 40), choices=", ".join(choices))
    return value


def url(row: Row, column: str) -> str | None:
    """An absolute http(s) address or one of our own pictures; None where blank."""
    value = text(row, column, URL_LENGTH)
    if not value:
        return None
    if value.startswith(OURS):
        return value
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", value)
    except ValueError:
        usable = False
    if not usable:
        raise UrlInvalid(column=column, value=shown(value))
    return value
