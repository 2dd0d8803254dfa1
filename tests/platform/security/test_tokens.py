"""Access tokens: ours, unaltered, alive, and of the right sort - or a named refusal."""

import base64
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from caddy_shopping.kernel.errors import Kind
from caddy_shopping.platform.security.keys import FileKeySet, KeySet, SecretKeySet
from caddy_shopping.platform.security.tokens import AccessTokens, TokenExpired, TokenInvalid
from tests.support.clock import FakeClock

USER, SESSION = uuid4(), uuid4()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["RS256", "HS256"])
def keys(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> KeySet:
    return FileKeySet(tmp_path / "keys", clock) if request.param == "RS256" else SecretKeySet([b"s" * 32])


@pytest.fixture
def tokens(keys: KeySet, clock: FakeClock) -> AccessTokens:
    return AccessTokens(keys, clock)


def issue(tokens: AccessTokens) -> str:
    return tokens.issue(user_id=USER, session_id=SESSION, role="customer", language="zh")[0]


def forge(keys: KeySet, token: str, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token signed with the real key, but with other claims (None takes one out) or headers."""
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    key = keys.signing()
    headers = {"typ": "at+jwt", "kid": key.kid} | (header or {})
    if headers["kid"] is None:
        del headers["kid"]
    return jwt.encode(claims, key.signing, key.algorithm, headers=headers)


def part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_what_was_issued_is_what_is_read(tokens: AccessTokens, clock: FakeClock) -> None:
    token, seconds = tokens.issue(user_id=USER, session_id=SESSION, role="customer", language="zh")
    claims = tokens.verify(token)
    assert seconds == 900
    assert (claims.user_id, claims.session_id, claims.role, claims.language) == (USER, SESSION, "customer", "zh")
    assert claims.expires_at - claims.issued_at == 900
    assert tokens.verify(token) is claims, "verified once, remembered"


def test_every_token_is_another(tokens: AccessTokens) -> None:
    assert issue(tokens) != issue(tokens)


def test_it_has_the_profile_of_rfc_9068(tokens: AccessTokens, keys: KeySet) -> None:
    token = issue(tokens)
    header = jwt.get_unverified_header(token)
    assert header == {"typ": "at+jwt", "alg": keys.signing().algorithm, "kid": keys.signing().kid}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= set(claims)


@pytest.mark.parametrize("remembered", [True, False])
def test_it_lives_for_fifteen_minutes(tokens: AccessTokens, clock: FakeClock, remembered: bool) -> None:
    token = issue(tokens)
    if remembered:
        tokens.verify(token)
    clock.advance(timedelta(minutes=15, seconds=-1))
    assert tokens.verify(token) if remembered else True
    clock.advance(timedelta(seconds=1))
    with pytest.raises(TokenExpired) as refused:
        tokens.verify(token)
    assert refused.value.kind is Kind.UNAUTHENTICATED


def test_the_forger_of_these_tests_makes_good_tokens(tokens: AccessTokens, keys: KeySet) -> None:
    """The control of the tests below: unchanged, what `forge` signs is accepted."""
    assert tokens.verify(forge(keys, issue(tokens))).user_id == USER


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody else"},
        {"iss": None},
        {"aud": "another shop"},
        {"aud": ["caddy-shopping", "another shop"]},
        {"aud": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"iat": None},
        {"nbf": None},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"sub": "root"},
        {"sid": None},
        {"jti": None},
        {"role": None},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": None}},
        {"header": {"kid": "unknown"}},
        {"header": {"kid": None}},
        {"header": {"crit": ["b64"], "b64": True}},
    ],
    ids=str,
)
def test_a_token_with_one_thing_wrong_is_refused(tokens: AccessTokens, keys: KeySet, changes: dict[str, Any]) -> None:
    token = forge(keys, issue(tokens), **changes)
    with pytest.raises(TokenInvalid):
        tokens.verify(token)


def test_clocks_may_differ_by_seconds(tokens: AccessTokens, clock: FakeClock) -> None:
    token = issue(tokens)
    clock.advance(timedelta(seconds=-5))
    assert tokens.verify(token).user_id == USER
    clock.advance(timedelta(seconds=-1))
    with pytest.raises(TokenInvalid):
        tokens.verify(token)


def test_no_signature_and_another_signature_are_refused(tokens: AccessTokens) -> None:
    head, payload, _ = issue(tokens).split(".")
    none = part(b'{"alg":"none","typ":"at+jwt"}')
    for forged in (f"{none}.{payload}.", f"{head}.{payload}.", f"{head}.{payload}.AAAA"):
        with pytest.raises(TokenInvalid):
            tokens.verify(forged)


def test_the_public_key_is_no_secret_to_sign_with(tmp_path: Path, clock: FakeClock) -> None:
    """The algorithm is the key's, not the token's (RFC 8725 §2.1)."""
    keys = FileKeySet(tmp_path / "keys", clock)
    tokens = AccessTokens(keys, clock)
    key = keys.signing()
    public = key.verifying.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    payload = issue(tokens).split(".")[1]
    head = part(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": key.kid}).encode())
    mac = part(hmac.digest(public, f"{head}.{payload}".encode(), "sha256"))
    with pytest.raises(TokenInvalid):
        tokens.verify(f"{head}.{payload}.{mac}")


def test_a_token_outlives_a_rotation_but_not_its_key(tmp_path: Path, clock: FakeClock) -> None:
    keys = FileKeySet(tmp_path / "keys", clock)
    tokens = AccessTokens(keys, clock)
    old = issue(tokens)
    clock.advance(timedelta(seconds=1))
    keys.rotate(timedelta(0))
    assert tokens.verify(old).user_id == USER
    assert jwt.get_unverified_header(issue(tokens))["kid"] != jwt.get_unverified_header(old)["kid"]
    (tmp_path / "keys" / sorted(path.name for path in (tmp_path / "keys").glob("*.pem"))[0]).unlink()
    keys.prune()
    with pytest.raises(TokenInvalid):
        tokens.verify(old)


def test_memory_is_bounded(keys: KeySet, clock: FakeClock) -> None:
    tokens = AccessTokens(keys, clock, remembered=2)
    first, *others = [issue(tokens) for _ in range(3)]
    claims = tokens.verify(first)
    for token in others:
        tokens.verify(token)
    assert len(tokens._verified) == 2
    assert tokens.verify(first) is not claims


_TOKENS = AccessTokens(SecretKeySet([b"s" * 32]), FakeClock())
_GOOD = issue(_TOKENS)


@given(
    st.text() | st.text().map(lambda text: text + _GOOD) | st.builds("{}.{}.{}".format, st.text(), st.text(), st.text())
)
def test_no_text_is_worse_than_invalid(text: str) -> None:
    if text == _GOOD:
        return
    with pytest.raises(TokenInvalid):
        _TOKENS.verify(text)


@given(st.integers(0, len(_GOOD) - 1), st.characters(codec="ascii"))
def test_one_altered_character_is_enough(place: int, letter: str) -> None:
    altered = _GOOD[:place] + letter + _GOOD[place + 1 :]
    raw = [base64.urlsafe_b64decode(part + "==") for part in _GOOD.split(".")]
    try:
        same = [base64.urlsafe_b64decode(part + "==") for part in altered.split(".")] == raw
    except ValueError:
        same = False
    if same:
        return
    with pytest.raises(TokenInvalid):
        _TOKENS.verify(altered)


def test_an_endless_token_is_not_even_parsed(tokens: AccessTokens) -> None:
    with pytest.raises(TokenInvalid):
        tokens.verify("a" * 1_000_000)
