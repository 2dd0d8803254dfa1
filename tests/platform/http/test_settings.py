import pytest
from pydantic import ValidationError

from caddy_shopping.platform.http.settings import HttpSettings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_HTTP_CORS_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("SHOP_HTTP_MAX_BODY", "2048")
    settings = HttpSettings()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.max_body == 2048


def test_nobody_is_let_in_by_default() -> None:
    settings = HttpSettings()
    assert settings.cors_origins == ()
    assert settings.development is False
    assert settings.trusted_proxies == 0


def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_HTTP_ACCESS_LOG", "sometimes")
    with pytest.raises(ValidationError):
        HttpSettings()
