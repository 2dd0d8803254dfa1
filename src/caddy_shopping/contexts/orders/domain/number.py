"""Order numbers that people can read out over the phone: `K7M4-2QXP-9`.

Eight random characters of Crockford's base 32 (no I, L, O, U) and one check character. The check is
a sum over GF(2⁵) whose weights are powers of x: it catches every single wrong character and every
swap of two neighbours.
"""

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {symbol: value for value, symbol in enumerate(_ALPHABET)}
_READ_AS = str.maketrans("OIL", "011", "- ")
_POLYNOMIAL = 0b100101
_LENGTH = 8


def new_number() -> str:
    """A fresh number, one of 2⁴⁰. Unlikely to exist already; the unique index has the last word."""
    digits = secrets.token_bytes(_LENGTH)
    body = "".join(_ALPHABET[digit & 31] for digit in digits)
    return _written(body + _ALPHABET[_times_x(_sum(body))])


def read_number(text: str) -> str | None:
    """The number as we write it, however it was typed (lower case, O for 0, I or L for 1); None if it is none."""
    symbols = text.upper().translate(_READ_AS)
    if len(symbols) != _LENGTH + 1 or any(symbol not in _VALUE for symbol in symbols) or _sum(symbols):
        return None
    return _written(symbols)


def _written(symbols: str) -> str:
    return f"{symbols[:4]}-{symbols[4:8]}-{symbols[8:]}"


def _sum(symbols: str) -> int:
    total = 0
    for symbol in symbols:
        total = _times_x(total) ^ _VALUE[symbol]
    return total


def _times_x(value: int) -> int:
    doubled = value << 1
    return doubled ^ _POLYNOMIAL if doubled & 32 else doubled
