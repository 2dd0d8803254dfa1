"""What must not be seen in logs and errors: the values of telling names, at any depth, in any spelling.

A name is taken apart into words (`newPassword`, `new_password`, `new-password`, `NEW_PASSWORD` are all
new + password), and is sensitive when one of its words, or two in a row, is one of `password token
secret key signature card-number cvv pin ssn bank-account` (a plural or digits at its end do not matter),
or when a word written without a break ends with one (`accesstoken`). So `monkey`, `keyboard` and
`spinning` are not. Beside the ten we mask `authorization`, `cookie` and `set-cookie`, and short forms
that people use (`pwd`, `passwd`, `cvc`, `apikey`). A `key` that opens nothing stays readable, because
logs are read by it: idempotency, public, primary, foreign, event, sort and cache key.

The first two and last two characters stay, between them always three stars, so that not even the
length is told; a value of four characters or fewer vanishes whole. Below a sensitive name every
value is masked. Text is searched too: `Bearer …`, `password=…`, `"token": "…"`, `scheme://user:password@`.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence, Set
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from typing import Any
from uuid import UUID

import msgspec

GONE = "***"
MAX_DEPTH = 12
MAX_VALUES = 10_000
"""Values deeper or further than these vanish: a log line is no place for them, whatever they are."""

_ENDINGS = ("password", "passwd", "token", "secret", "signature", "cardnumber", "bankaccount", "apikey", "secretkey")
_WORDS = frozenset([*_ENDINGS, "key", "pwd", "cvv", "cvc", "pin", "ssn"])
_WORDS_TOO = frozenset(["authorization", "cookie", "privatekey", "accesskey", "signingkey"])
_HARMLESS_KEYS = frozenset(["idempotency", "public", "primary", "foreign", "event", "sort", "cache"])
_SPLIT = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_SIMPLE = frozenset([str, int, float, bool, type(None)])
_PLAIN = (int, float, bool, type(None), UUID, date, time, timedelta, Decimal, Enum, PurePath)

# Possessive quantifiers: no text, however made, takes more than linear time.
_SCHEME = re.compile(r"\b(Bearer|Basic)(\s++)([\w.~+/=-]++)", re.IGNORECASE)
_NAME = re.compile(r"""((?<![\w-])[\w-]++)\\?["']?\s*+[=:]\s*+""")
_VALUE = re.compile(
    r"""\\"(?:[^"\\]|\\(?!"))*+(?:\\")?|"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?
      |(?:(?:Bearer|Basic)\s++)?[^\s&,;"'}\])]++""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_QUOTE = re.compile(r"\\?[\"']")
_URL = re.compile(r"(://[^/\s:@]*+:)([^/\s@]++)(?=@)")


@lru_cache(maxsize=4096)
def sensitive(name: str) -> bool:
    """Whether values of this name are masked (see the module's rule)."""
    words = [_singular(word.lower()) for word in _SPLIT.findall(name)]
    for before, word in zip(["", *words], words, strict=False):
        if word == "key" and before in _HARMLESS_KEYS:
            continue
        if word in _WORDS or word in _WORDS_TOO or before + word in ("cardnumber", "bankaccount"):
            return True
        if "password" in word or word.endswith(_ENDINGS):
            return True
    return False


def masked(value: object) -> str:
    """What remains of one sensitive value: `"hu***r2"`."""
    text = _text(value)
    return GONE if len(text) <= 4 else f"{text[:2]}{GONE}{text[-2:]}"


def mask_text(text: str) -> str:
    """Mask what a running text gives away: credentials in headers, queries, JSON, URLs."""
    if "=" not in text and ":" not in text and " " not in text:
        return text
    text = _mask_pairs(text)
    text = _SCHEME.sub(lambda found: found[1] + found[2] + masked(found[3]), text)
    return _URL.sub(lambda found: found[1] + masked(found[2]), text)


def mask(value: Any) -> Any:
    """A copy of `value` in plain dicts, lists and scalars, with everything sensitive masked.

    Takes dicts, lists, tuples, sets, msgspec structs, dataclasses and bytes; a pair `("name", value)` counts
    as a name and its value, as in lists of headers. Anything else becomes its masked `repr`.
    """
    return _Masker().value(value, 0, False)


class _Masker:
    """One walk: `left` is how many more values it will look at."""

    def __init__(self) -> None:
        self.left = MAX_VALUES

    def value(self, value: Any, depth: int, hidden: bool) -> Any:
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            return GONE
        if type(value) in _SIMPLE:  # nearly all of them: no need to ask what else it may be
            return _scalar(value, hidden)
        pairs = _pairs(value)
        if pairs is not None:
            return {_text(name): self.value(below, depth + 1, hidden or _telling(name)) for name, below in pairs}
        if isinstance(value, tuple) and len(value) == 2 and _telling(value[0]):
            return [_text(value[0]), self.value(value[1], depth + 1, True)]
        if isinstance(value, (Sequence, Set)) and not isinstance(value, (str, bytes, bytearray, memoryview)):
            return [self.value(below, depth + 1, hidden) for below in value]
        return _scalar(value, hidden)


def _scalar(value: Any, hidden: bool) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if hidden:
        return masked(value)
    if type(value) is str:
        return mask_text(value)
    return value if isinstance(value, _PLAIN) and not isinstance(value, str) else mask_text(_text(value))


def _pairs(value: Any) -> Sequence[tuple[Any, Any]] | None:
    """The named parts of a structure, or None for what has none."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, msgspec.Struct):
        return [(name, getattr(value, name)) for name in value.__struct_fields__]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(part.name, getattr(value, part.name, None)) for part in dataclasses.fields(value)]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(zip(value._fields, value, strict=True))
    return None


def _telling(name: object) -> bool:
    return isinstance(name, (str, bytes)) and sensitive(_text(name))


def _text(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "backslashreplace")
    return str(value) if isinstance(value, _PLAIN) else repr(value)


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _mask_pairs(text: str) -> str:
    parts, done = list[str](), 0
    for found in _NAME.finditer(text):
        # A harmless name is passed over without its value: `note: password=…` hides one in there.
        value = _VALUE.match(text, found.end()) if found.end() >= done and sensitive(found[1]) else None
        if value is not None:
            parts += [text[done : found.end()], _mask_quoted(value[0])]
            done = value.end()
    return "".join([*parts, text[done:]])


def _mask_quoted(value: str) -> str:
    opening = _QUOTE.match(value)
    quote = opening[0] if opening else ""
    return quote + masked(value.removeprefix(quote).removesuffix(quote)) + quote
