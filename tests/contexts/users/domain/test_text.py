"""What people type: made comparable, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caddy_shopping.contexts.users.domain.errors import EmailInvalid, TextInvalid
from caddy_shopping.contexts.users.domain.text import clean_email, clean_text, email_key


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("  wei@example.com\n", "wei@example.com"),
        ("Wei.Wang+shop@Mail.Example.COM", "Wei.Wang+shop@Mail.Example.COM"),
        ("o'neil_x-1@ex-ample.co", "o'neil_x-1@ex-ample.co"),
        ("ｗｅｉ@example.com", "wei@example.com"),
        ("王伟@例子.中国", "王伟@例子.中国"),
        ("e\u0301va@example.com", "éva@example.com"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_addresses_that_mail_can_be_sent_to(typed: str, clean: str) -> None:
    assert clean_email(typed) == clean


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "wei",
        "@example.com",
        "wei@",
        "wei@localhost",
        "wei@example.",
        "wei@.com",
        "wei@exa mple.com",
        "wei@-example.com",
        "wei@example-.com",
        "wei@exam_ple.com",
        "wei@" + "x" * 64 + ".com",
        "a" * 65 + "@example.com",
        "a@" + ".".join(["x" * 50] * 5) + ".com",
        ".wei@example.com",
        "wei.@example.com",
        "we..i@example.com",
        "we i@example.com",
        "wei@li@example.com",
        '"wei"@example.com',
        "wei<x>@example.com",
        "wei,li@example.com",
        "wei\r\nBcc: li@example.com",
        "we\x00i@example.com",
        "we\u200bi@example.com",
        "we\u202ei@example.com",
        "wei@exam\u200dple.com",
        "we\u3164i@example.com",
        "wei\ufe0f@example.com",
        "\U0001f600@example.com",
        "ß" * 60 + "@" + ".".join(["ß" * 60] * 3) + ".com",
    ],
)
def test_addresses_that_are_none(typed: str) -> None:
    with pytest.raises(EmailInvalid):
        clean_email(typed)


@given(st.text(max_size=300))
def test_a_key_is_its_own_key_and_cleaning_never_breaks(text: str) -> None:
    key = email_key(text)
    assert email_key(key) == key
    try:
        clean = clean_email(text)
    except EmailInvalid:
        return
    assert clean_email(clean) == clean
    assert email_key(clean) == key
    assert len(key) <= 320


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("  Wang Wei\t", "Wang Wei"),
        ("E\u0301va", "Éva"),
        ("نیم\u200cفاصله", "نیم\u200cفاصله"),
        ("Zoë O'Neil-王", "Zoë O'Neil-王"),
        ("x" * 100, "x" * 100),
    ],
)
def test_names_are_kept_as_people_write_them(typed: str, clean: str) -> None:
    assert clean_text(typed, "name", 100) == clean


@pytest.mark.parametrize(
    "typed",
    ["", "   ", "\u200d", "\u200b", "Li\nLei", "Li\u2028Lei", "Li\u202eLei", "Li\x00", "\ud800", "x" * 101, "\u0301"],
)
def test_names_that_nobody_can_read_are_refused(typed: str) -> None:
    with pytest.raises(TextInvalid) as refused:
        clean_text(typed, "name", 100)
    assert "'name' takes 1 to 100" in refused.value.message()
    assert "“name”" in refused.value.message("zh")
