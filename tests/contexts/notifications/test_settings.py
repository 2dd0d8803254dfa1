from pathlib import Path

import pytest
from pydantic import ValidationError

from caddy_shopping.contexts.notifications.settings import NotificationsSettings
from tests.contexts.notifications.support import OpenOffice, paid


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_NOTIFICATIONS_SMTP_HOST", "mail.example")
    monkeypatch.setenv("SHOP_NOTIFICATIONS_SMTP_PASSWORD", "hunter22")
    settings = NotificationsSettings()
    assert (settings.smtp_host, settings.smtp_password.get_secret_value()) == ("mail.example", "hunter22")
    assert "hunter22" not in repr(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender_address": "shop"},
        {"sender_address": "shop@a\r\nBcc: eve@b.c"},
        {"shop_url": "javascript:alert(1)"},
        {"smtp_security": "maybe"},
        {"smtp_port": 0},
    ],
)
def test_what_would_break_mails_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NotificationsSettings.model_validate(wrong)


async def test_the_outbox_can_lie_elsewhere(open_office: OpenOffice, tmp_path: Path) -> None:
    office = open_office(outbox=tmp_path / "elsewhere")
    await office.hear(paid())
    await office.mailer.send_all_due()
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    assert office.files() == []
