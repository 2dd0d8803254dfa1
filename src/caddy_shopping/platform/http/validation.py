"""Reading JSON bodies strictly, and saying precisely what is wrong with one (RFC 8259, RFC 6901)."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from caddy_shopping.kernel.errors import Detail
from caddy_shopping.kernel.text import CONTROL
from caddy_shopping.platform.http.errors import MalformedJson, ValidationFailed

INT64 = 2**63 - 1
"""The largest integer that is taken anywhere."""
# Any of them may hide a value that is not to be kept; anything else needs no second look.
_SUSPICIOUS = re.compile(rb"\d{19}|\\u00[017]|\\[bf]|\x7f")
_AT = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NAME = re.compile(r"(?:required|unknown) field `(.*)`$")
_CODES = (
    (re.compile(r"^Object missing required field"), "FIELD_MISSING"),
    (re.compile(r"^Object contains unknown field"), "UNKNOWN_FIELD"),
    (re.compile(r"of length >="), "TOO_SHORT"),
    (re.compile(r"of length"), "TOO_LONG"),
    (re.compile(r"matching regex|^Invalid (?:UUID|RFC3339|ISO8601|base64|decimal)"), "WRONG_FORMAT"),
    (re.compile(r"^Invalid (?:enum )?value"), "NOT_AN_OPTION"),
    (re.compile(r"` (?:>=|>) "), "TOO_SMALL"),
    (re.compile(r"` (?:<=|<) |out of range"), "TOO_LARGE"),
    (re.compile(r"^Expected .*, got "), "WRONG_TYPE"),
)
_CHINESE = {
    "FIELD_MISSING": "缺少必填字段。",
    "UNKNOWN_FIELD": "未知字段。",
    "TOO_SHORT": "内容过短。",
    "TOO_LONG": "内容过长。",
    "WRONG_FORMAT": "格式不正确。",
    "NOT_AN_OPTION": "不在可选值之内。",
    "TOO_SMALL": "数值过小。",
    "TOO_LARGE": "数值过大。",
    "WRONG_TYPE": "类型不正确。",
    "DUPLICATE_FIELD": "字段重复。",
    "CONTROL_CHARACTER": "包含不允许的控制字符。",
    "INVALID_VALUE": "值无效。",
}


def decode_body(body: bytes, shape: Any, language: str = "en") -> Any:
    """Read `body` as `shape`. Raises `MalformedJson` or `ValidationFailed`.

    Also refused is what msgspec would let through: a field given twice, integers beyond 64 bits, and control
    characters, which are no text (and U+0000 no PostgreSQL text can hold). Tabs and line ends are taken.
    """
    try:
        decoded = _decoder(shape).decode(body)
    except msgspec.ValidationError as error:
        details = list(_faults(body, shape, error))
        raise ValidationFailed(details=[_translated(detail, language) for detail in details]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedJson(reason=_reason(error)) from None
    except RecursionError:
        raise MalformedJson(reason="nested too deeply") from None
    found = list(_second_look(body))
    if found:
        raise ValidationFailed(details=[_translated(detail, language) for detail in found])
    return decoded


def detail_of(message: str, pointer: str = "") -> Detail:
    """A message of msgspec, ``Expected `int` >= 1 - at `$.quantity` ``, as pointer, code and words."""
    at = _AT.search(message)
    words = message[: at.start()] if at else message
    for key, index in _STEP.findall(at[1] if at else ""):
        pointer += "/" + (_escaped(key) or index)
    named = _NAME.search(words)
    if named:
        pointer += "/" + _escaped(named[1])
    code = next((code for pattern, code in _CODES if pattern.search(words)), "INVALID_VALUE")
    return Detail(pointer, code, words)


def translate(details: list[Detail], language: str) -> list[Detail]:
    """The same details with their words in `language`."""
    return [_translated(detail, language) for detail in details]


@lru_cache(maxsize=1024)
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


def _faults(body: bytes, shape: Any, error: msgspec.ValidationError) -> Iterator[Detail]:
    """Every faulty field at the top of the body (msgspec stops at the first), or else the one that is known."""
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as worse:
        raise MalformedJson(reason=_reason(worse)) from None
    struct = isinstance(shape, type) and issubclass(shape, msgspec.Struct)
    found = list(_fields(given, shape)) if struct and isinstance(given, dict) else []
    yield from found or [detail_of(str(error))]


def _fields(given: dict[str, Any], shape: type[msgspec.Struct]) -> Iterator[Detail]:
    known = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    if shape.__struct_config__.forbid_unknown_fields:
        for name in given:
            if name not in known:
                yield detail_of(f"Object contains unknown field `{name}`")
    for name, field in known.items():
        if name not in given:
            if field.required:
                yield detail_of(f"Object missing required field `{name}`")
            continue
        try:
            msgspec.convert(given[name], field.type)
        except msgspec.ValidationError as error:
            yield detail_of(str(error), "/" + _escaped(name))


def _second_look(body: bytes) -> Iterator[Detail]:
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) != len(items):
            names = [name for name, _ in items]
            twice.extend(name for name in made if names.count(name) > 1)
        return made

    try:
        value = json.loads(body, object_pairs_hook=pairs)
    except RecursionError:
        raise MalformedJson(reason="nested too deeply") from None
    except ValueError as error:
        # An integer of more than 4,300 digits: Python refuses to read it.
        raise MalformedJson(reason=_reason(error)) from None
    for name in twice:
        yield Detail("", "DUPLICATE_FIELD", f"Object has the field `{name}` more than once")
    if _SUSPICIOUS.search(body):
        yield from _unholdable(value, "")


def _unholdable(value: Any, pointer: str) -> Iterator[Detail]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unholdable(key, pointer)
            yield from _unholdable(item, f"{pointer}/{_escaped(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unholdable(item, f"{pointer}/{index}")
    elif isinstance(value, str) and (found := CONTROL.search(value)):
        yield Detail(pointer, "CONTROL_CHARACTER", f"Contains U+{ord(found[0]):04X}")
    elif isinstance(value, int) and not -INT64 - 1 <= value <= INT64:
        yield Detail(pointer, "TOO_LARGE", "Integer does not fit 64 bits")


def _translated(detail: Detail, language: str) -> Detail:
    if language != "zh":
        return detail
    return Detail(detail.pointer, detail.code, _CHINESE.get(detail.code, _CHINESE["INVALID_VALUE"]))


def _escaped(name: str) -> str:
    """A name inside a JSON pointer (RFC 6901 §3), as valid UTF-8."""
    return name.replace("~", "~0").replace("/", "~1")


def _reason(error: BaseException) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not valid UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return _AT.sub("", str(error)).removeprefix("JSON is malformed: ")
