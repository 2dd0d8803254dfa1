import contextlib
import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from caddy_shopping.platform.http.errors import MalformedJson, ValidationFailed
from caddy_shopping.platform.http.validation import decode_body, detail_of
from caddy_shopping.platform.http.wire import Body


class Line(Body, frozen=True):
    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)]


class Order(Body, frozen=True):
    full_name: Annotated[str, msgspec.Meta(min_length=1, max_length=5, pattern="^[a-z]")]
    lines: Annotated[list[Line], msgspec.Meta(max_length=2)] = msgspec.field(default_factory=list)
    extra: dict[str, int] = msgspec.field(default_factory=dict)
    big: int = 0
    id: UUID | None = None
    at: dt.datetime | None = None
    colour: Literal["red", "blue"] = "red"

    def __post_init__(self) -> None:
        if self.big == 13:
            raise ValueError("thirteen brings bad luck")


def refusal(body: bytes, shape: Any = Order, language: str = "en") -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as caught:
        decode_body(body, shape, language)
    return [(detail.pointer, detail.code) for detail in caught.value.details]


def test_what_is_valid_comes_in_as_its_type() -> None:
    order = decode_body(b'{"fullName":"ab","lines":[{"quantity":2}],"big":9223372036854775807}', Order)
    assert order == Order(full_name="ab", lines=[Line(quantity=2)], big=2**63 - 1)
    assert decode_body(b"[1,2]", list[int]) == [1, 2]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b'{"fullName":"a","size":1}', "/size", "UNKNOWN_FIELD"),
        (b"{}", "/fullName", "FIELD_MISSING"),
        (b'{"fullName":""}', "/fullName", "TOO_SHORT"),
        (b'{"fullName":"abcdefg"}', "/fullName", "TOO_LONG"),
        (b'{"fullName":"ABC"}', "/fullName", "WRONG_FORMAT"),
        (b'{"fullName":null}', "/fullName", "WRONG_TYPE"),
        (b'{"fullName":"a","lines":[{"quantity":1},{"quantity":0}]}', "/lines/1/quantity", "TOO_SMALL"),
        (b'{"fullName":"a","lines":[{"quantity":101}]}', "/lines/0/quantity", "TOO_LARGE"),
        (b'{"fullName":"a","lines":[{"quantity":"2"}]}', "/lines/0/quantity", "WRONG_TYPE"),
        (b'{"fullName":"a","lines":[{"quantity":1.5}]}', "/lines/0/quantity", "WRONG_TYPE"),
        (b'{"fullName":"a","lines":[{}]}', "/lines/0/quantity", "FIELD_MISSING"),
        (b'{"fullName":"a","lines":[{"quantity":1,"a/b~c":2}]}', "/lines/0/a~1b~0c", "UNKNOWN_FIELD"),
        (b'{"fullName":"a","id":"x"}', "/id", "WRONG_FORMAT"),
        (b'{"fullName":"a","at":"yesterday"}', "/at", "WRONG_FORMAT"),
        (b'{"fullName":"a","colour":"green"}', "/colour", "NOT_AN_OPTION"),
        (b'{"fullName":"a","big":13}', "", "INVALID_VALUE"),
        (b'{"fullName":"a","big":9223372036854775808}', "/big", "TOO_LARGE"),
        (b'{"fullName":"a","big":-9223372036854775809}', "/big", "TOO_LARGE"),
        (b'{"fullName":"a\\u0000"}', "/fullName", "CONTROL_CHARACTER"),
        (b'{"fullName":"a\\u0007"}', "/fullName", "CONTROL_CHARACTER"),
        (b'{"fullName":"a\\u001B[2J"}', "/fullName", "CONTROL_CHARACTER"),
        (b'{"fullName":"a\\b"}', "/fullName", "CONTROL_CHARACTER"),
        (b'{"fullName":"a\\f"}', "/fullName", "CONTROL_CHARACTER"),
        (b'{"fullName":"a\\u007f"}', "/fullName", "CONTROL_CHARACTER"),
        (b'{"fullName":"a\x7f"}', "/fullName", "CONTROL_CHARACTER"),
        (b'{"fullName":"a","extra":{"x\\u0000":1}}', "/extra", "CONTROL_CHARACTER"),
        (b'{"fullName":"a","lines":[{"quantity":1,"quantity":2}]}', "", "DUPLICATE_FIELD"),
        (b'"text"', "", "WRONG_TYPE"),
        (b"null", "", "WRONG_TYPE"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(body: bytes, pointer: str, code: str) -> None:
    assert refusal(body) == [(pointer, code)]


def test_every_faulty_field_is_named_at_once() -> None:
    found = refusal(b'{"zip":1,"lines":3,"big":"x"}')
    assert found == [
        ("/zip", "UNKNOWN_FIELD"),
        ("/fullName", "FIELD_MISSING"),
        ("/lines", "WRONG_TYPE"),
        ("/big", "WRONG_TYPE"),
    ]


def test_a_shape_that_allows_more_ignores_unknown_fields() -> None:
    class Open(msgspec.Struct):
        a: int

    assert decode_body(b'{"a":1,"b":2}', Open) == Open(1)
    assert refusal(b'{"a":"x","b":2}', Open) == [("/a", "WRONG_TYPE")]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b'{"fullName":"a"} trailing',
        b'{"fullName":"a","big":NaN}',
        b'{"fullName":"a","big":Infinity}',
        b'{"fullName":"\xff"}',
        b'{"fullName":"a\xed\xa0\x80"}',
        b'{"fullName":"\\ud800"}',
        b'{"fullName":"\\udc00x"}',
        b'{"fullName":"a\x00"}',
        b"\xef\xbb\xbf{}",
        b'{"fullName":"a","size":[1}',
    ],
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedJson) as caught:
        decode_body(body, Order)
    assert "  " not in caught.value.message()


@pytest.mark.parametrize("shape", [Any, list[Any], Order])
@pytest.mark.parametrize("opening", [b"[", b'{"x":'])
def test_nesting_without_end_is_refused(opening: bytes, shape: Any) -> None:
    with pytest.raises((MalformedJson, ValidationFailed)):
        decode_body(opening * 200_000, shape)


def test_numbers_of_thousands_of_digits_are_refused() -> None:
    with pytest.raises((MalformedJson, ValidationFailed)):
        decode_body(b'{"fullName":"a","big":' + b"9" * 5000 + b"}", Order)


def test_details_are_written_in_the_callers_language() -> None:
    with pytest.raises(ValidationFailed) as caught:
        decode_body(b"{}", Order, "zh")
    assert caught.value.details[0].message == "缺少必填字段。"


def test_a_message_without_a_place_points_at_the_whole() -> None:
    assert detail_of("something else").pointer == ""
    assert detail_of("Expected `int`, got `str` - at `$.a[3].b`", "/x").pointer == "/x/a/3/b"


@pytest.mark.parametrize("depth", range(850, 1010, 10))
def test_at_whatever_depth_either_reader_gives_up_it_is_a_refusal(depth: int) -> None:
    with contextlib.suppress(MalformedJson):
        assert decode_body(b"[" * depth + b"]" * depth, Any) is not None


@pytest.mark.parametrize("worse", [b"9" * 5000, b"[" * 100_000])
def test_what_a_shape_passes_over_is_looked_at_too(worse: bytes) -> None:
    class Open(msgspec.Struct):
        a: int

    with pytest.raises(MalformedJson):
        decode_body(b'{"a":1,"b":' + worse + b"}", Open)


def test_a_faulty_body_that_is_also_no_json_is_no_json() -> None:
    with pytest.raises(MalformedJson):
        decode_body(b'{"zip":1,"fullName":', Order)
