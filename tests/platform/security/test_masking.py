"""Masking: nothing sensitive is left, in any spelling, at any depth; what is harmless stays readable."""

import dataclasses
import json
import time
from collections import namedtuple
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caddy_shopping.platform.security.masking import GONE, MAX_DEPTH, mask, mask_text, masked, sensitive

NAMES = [
    ["password"],
    ["token"],
    ["secret"],
    ["key"],
    ["signature"],
    ["card", "number"],
    ["cvv"],
    ["pin"],
    ["ssn"],
    ["bank", "account"],
]
SPELLINGS = [
    "_".join,
    "-".join,
    lambda words: "_".join(words).upper(),
    lambda words: "-".join(words).title(),
    lambda words: "".join(word.title() for word in words),
    lambda words: words[0] + "".join(word.title() for word in words[1:]),
]
AROUND = ["", "new", "user", "x", "old", "hash", "value", "of"]
secrets = st.text(st.sampled_from("ABCDEFGHJKMNQRSTUVWXYZ"), min_size=9, max_size=40)


@st.composite
def telling_names(draw: st.DrawFn) -> str:
    """One of the ten names, perhaps among other words, in one spelling."""
    spell: Callable[[list[str]], str] = draw(st.sampled_from(SPELLINGS))
    words = [draw(st.sampled_from(AROUND)), *draw(st.sampled_from(NAMES)), draw(st.sampled_from(AROUND))]
    return spell([word for word in words if word])


def wrapped(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(value, min_size=1, max_size=3)
        | st.dictionaries(st.text(max_size=5), value, min_size=1, max_size=3)
        | value.map(lambda inner: (inner, 1, 2))
    )


@given(telling_names())
def test_every_spelling_of_every_name_is_known(name: str) -> None:
    assert sensitive(name)


def test_words_written_in_one_are_known_too() -> None:
    names = """
        CARDNUMBER cardnumber bankaccount BANKACCOUNT newpassword PASSWORDHASH accesstoken clientsecret apikey APIKEY
        cvv2 cvc password2 tokens apiKeys oldPINs userSSN refresh_token_hash X-Webhook-Signature Set-Cookie
        Authorization
    """
    assert [name for name in names.split() if not sensitive(name)] == []


def test_harmless_names_stay_readable() -> None:
    names = """
        monkey keyboard spinning turkey pint shipping essence author card number account bank idempotency_key secretary
        Idempotency-Key publicKey primary_key eventKey cache_key opinion 价格 x
    """
    assert [name for name in ["", *names.split()] if sensitive(name)] == []


@given(telling_names(), secrets, st.data())
def test_at_any_depth_nothing_sensitive_is_left(name: str, secret: str, data: st.DataObject) -> None:
    value = data.draw(st.recursive(st.just({name: secret}) | st.just([(name, secret)]), wrapped, max_leaves=4))
    assert secret not in json.dumps(mask(value))
    assert "harmless" in json.dumps(mask({"note": "harmless", "value": value}))


@given(telling_names(), secrets, st.data())
def test_below_a_sensitive_name_everything_is_masked(name: str, secret: str, data: st.DataObject) -> None:
    inner = data.draw(st.recursive(st.just(secret), wrapped, max_leaves=4))
    assert secret not in json.dumps(mask({name: inner}))


PLACES = [
    "{}",
    "note: {}",
    "url=http://h/p?a=b&{}&c=d",
    '{{"message": "{}"}}',
    "ValueError: [{}]",
    "x={{'y': {}}}",
    "token: {}",
]
FORMS = ["{}={}", "{}: {}", '"{}": "{}"', "'{}' : '{}'", '{{\\"{}\\":\\"{}\\"}}', "--{}={}", "{}:\n{}"]


@given(telling_names(), secrets, st.sampled_from(FORMS), st.sampled_from(PLACES))
def test_text_gives_nothing_away(name: str, secret: str, form: str, place: str) -> None:
    assert secret not in mask_text(f"before {place.format(form.format(name, secret))} after")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer eyJhbGciOi.J9.x_y-z", "Authorization: Be***-z"),
        ("got Bearer eyJhbGciOi.J9.x_y-z twice", "got Bearer ey***-z twice"),
        ("curl --password=hunter22 --verbose", "curl --password=hu***22 --verbose"),
        ("password=hunter22&next=1", "password=hu***22&next=1"),
        ('{"password":"hunt\\"er22","a":1}', '{"password":"hu***22","a":1}'),
        ("postgresql://shop:hunter22@db/shop", "postgresql://shop:hu***22@db/shop"),
        ("pin=1234", "pin=***"),
        ("color: red, size=4, at 12:30", "color: red, size=4, at 12:30"),
        ("nothing", "nothing"),
        ("the password was forgotten", "the password was forgotten"),
    ],
)
def test_text_stays_readable(text: str, left: str) -> None:
    assert mask_text(text) == left


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("hunter22", "hu***22"),
        ("abcde", "ab***de"),
        ("abcd", GONE),
        ("", GONE),
        (1234, GONE),
        (4111111111111111, "41***11"),
        (b"hunter22", "hu***22"),
        (UUID(int=0), "00***00"),
        ("密码一二三四", "密码***三四"),
    ],
)
def test_two_characters_stay_at_either_end(value: object, left: str) -> None:
    assert masked(value) == left
    assert mask({"password": value}) == {"password": left}


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)


class Card(msgspec.Struct, rename="camel"):
    card_number: str
    holder: str


@dataclasses.dataclass
class Order:
    id: UUID
    card: Card
    placed_at: datetime


def test_structs_dataclasses_named_tuples_headers_and_bytes() -> None:
    card = Card("4111111111111111", "Ada")
    moment = datetime(2026, 3, 14, tzinfo=UTC)
    assert mask(Order(UUID(int=1), card, moment)) == {
        "id": UUID(int=1),
        "card": {"card_number": "41***11", "holder": "Ada"},
        "placed_at": moment,
    }
    login = namedtuple("login", ["name", "password"])
    assert mask(login("ada", "hunter22")) == {"name": "ada", "password": "hu***22"}
    assert mask([(b"x-api-key", b"hunter22"), (b"accept", b"a/b")]) == [["x-api-key", "hu***22"], ["accept", "a/b"]]
    assert mask(b'{"password": "hunter22", "\xff": 1}') == '{"password": "hu***22", "\\xff": 1}'
    assert mask({"a": {1.5, None}, "b": True, "token": None}) == {
        "a": mask(list({1.5, None})),
        "b": True,
        "token": None,
    }
    assert mask(Order) == repr(Order), "a class is no structure"


def test_what_we_do_not_know_is_shown_masked() -> None:
    class Form:
        def __repr__(self) -> str:
            return "Form(password='hunter22', name='ada')"

    assert mask({"form": Form()}) == {"form": "Form(password='hu***22', name='ada')"}


def test_depth_and_breadth_are_bounded() -> None:
    deep: Any = "bottom"
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    assert "bottom" not in json.dumps(mask(deep))
    assert "bottom" in json.dumps(mask(deep[0])), "one level less is seen"
    endless: list[Any] = []
    endless.extend([endless] * 100)
    started = time.perf_counter()
    mask(endless)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "text", ["a", "a ", 'password="\\', "a=", "://", "://a:", "Bearer ", 'a"  ', "-", "a-", "password"]
)
def test_no_text_takes_long(text: str) -> None:
    started = time.perf_counter()
    mask_text(text * 50_000)
    assert time.perf_counter() - started < 2
