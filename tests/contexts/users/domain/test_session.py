"""What a refresh token is worth, and how its successor comes about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from caddy_shopping.contexts.users.domain.session import (
    Lifetimes,
    RefreshToken,
    Verdict,
    digest,
    new_token,
    successor_of,
)
from caddy_shopping.kernel.ids import new_id

NOW = datetime(2026, 3, 14, tzinfo=UTC)
TOKEN = RefreshToken(
    digest=digest("x"),
    session_id=new_id(),
    user_id=new_id(),
    used_at=None,
    successor_used=False,
    session_created_at=NOW - timedelta(days=1),
    session_expires_at=NOW + timedelta(days=1),
    session_revoked_at=None,
)


def used(seconds_ago: float) -> RefreshToken:
    return replace(TOKEN, used_at=NOW - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        (TOKEN, Verdict.GOOD),
        (used(0), Verdict.RETRIED),
        (used(30), Verdict.RETRIED),
        (used(30.001), Verdict.REUSED),
        (replace(used(1), successor_used=True), Verdict.REUSED),
        (replace(TOKEN, session_expires_at=NOW), Verdict.DEAD),
        (replace(TOKEN, session_revoked_at=NOW), Verdict.DEAD),
        (replace(used(60), session_revoked_at=NOW), Verdict.DEAD),
    ],
)
def test_verdicts(token: RefreshToken, verdict: Verdict) -> None:
    assert token.judge(NOW, Lifetimes()) is verdict


def test_a_session_is_extended_up_to_its_longest() -> None:
    lifetimes = Lifetimes(idle=timedelta(days=30), longest=timedelta(days=31))
    assert TOKEN.extended(NOW - timedelta(days=1), lifetimes) == NOW + timedelta(days=29)
    assert TOKEN.extended(NOW + timedelta(days=10), lifetimes) == NOW + timedelta(days=30)


def test_a_successor_is_the_same_for_the_same_secret_only() -> None:
    token = new_token()
    assert successor_of(token, b"a" * 32) == successor_of(token, b"a" * 32)
    assert successor_of(token, b"a" * 32) != successor_of(token, b"b" * 32)
    assert successor_of(token, b"a" * 32) != successor_of(new_token(), b"a" * 32)
    assert len(successor_of(token, b"a" * 32)) == len(token) == 43
    assert len(digest(token)) == 32
