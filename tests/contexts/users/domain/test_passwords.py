"""Which passwords are refused, and which are not."""

import pytest

from caddy_shopping.contexts.users.domain.errors import PasswordLength, PasswordTooCommon
from caddy_shopping.contexts.users.domain.passwords import check_password


@pytest.mark.parametrize("password", ["x" * 9 + "y", "密码很长但是好记的一句话", "a b" * 42 + "xx", " " * 9 + "x"])
def test_length_is_all_that_counts(password: str) -> None:
    check_password(password, "wei@example.com")
    check_password(password, None)


@pytest.mark.parametrize("password", ["", "x" * 9, "x" * 129])
def test_too_short_and_too_long(password: str) -> None:
    with pytest.raises(PasswordLength):
        check_password(password, None)


@pytest.mark.parametrize(
    "password", ["Password123", "1234567890", "QWERTYUIOP", "Wei@Example.com", "ｗｅｉ@example.com"]
)
def test_what_anybody_would_try_first(password: str) -> None:
    with pytest.raises(PasswordTooCommon):
        check_password(password, "wei@example.com")
