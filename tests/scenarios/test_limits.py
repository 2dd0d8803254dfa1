"""Who asks too often waits, and is told for how long."""

import re
from collections.abc import Iterator

import pytest

from tests.scenarios.conftest import NewCaller
from tests.support.furnished import running_shop
from tests.support.refusals import refused
from tests.support.shop import Shop, callers


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with its limits on, as everybody's is outside of tests."""
    with running_shop(tmp_path_factory.mktemp("limited"), {"SHOP_HTTP_RATE_LIMITS": "true"}) as running:
        yield running


async def test_who_asks_too_often_is_told_when_to_come_back(limited: Shop) -> None:
    async with callers(limited) as new:
        guest = await new().sign_in_as_guest()
        body = {"refreshToken": "no-such-token"}
        answers = [await guest.post("/auth/refresh", body) for _ in range(40)]
        through = [answer for answer in answers if answer.status == 401]
        stopped = [answer for answer in answers if answer.status == 429]
        assert len(through) + len(stopped) == 40
        # The sign-in before was one; a few places come free again while we ask.
        assert 29 <= len(through) <= 35
        assert answers[:29] == through[:29]
        left = [int(re.findall(r"r=(\d+)", answer.headers["RateLimit"])[0]) for answer in through[:20]]
        assert left == sorted(left, reverse=True)
        for answer in stopped:
            problem = refused(answer, 429, "RATE_LIMITED")
            assert problem["retryable"] is True
            assert answer.headers["RateLimit-Policy"] == '"sign-in";q=30;w=60'
            assert re.fullmatch(r'"sign-in";r=0;t=\d+', answer.headers["RateLimit"])
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            assert answer.headers["Retry-After"] in problem["detail"]
        in_chinese = await new("zh").post("/auth/refresh", body)
        refused(in_chinese, 429, "RATE_LIMITED", language="zh")

        # Other doors stay open: reading costs nothing, and a cart is another matter than signing in.
        assert (await guest.get("/products")).status == 200
        elsewhere = await guest.ask("DELETE", "/cart")
        assert elsewhere.status == 200
        assert elsewhere.headers["RateLimit-Policy"] == '"writes";q=600;w=60'


async def test_where_limits_are_off_nobody_is_stopped(new: NewCaller) -> None:
    nobody = new()
    answers = [await nobody.post("/auth/refresh", {"refreshToken": "no-such-token"}) for _ in range(40)]
    assert {answer.status for answer in answers} == {401}
    assert "RateLimit" not in answers[-1].headers
