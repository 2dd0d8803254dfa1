import logging
from pathlib import Path

import pytest
import structlog

from caddy_shopping.contexts.notifications.application.ports import Letter
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.contexts.notifications.infrastructure.folder import FolderPost
from caddy_shopping.contexts.notifications.infrastructure.message import Composer
from tests.contexts.notifications.support import a_mail, parsed
from tests.support.clock import FakeClock

LETTER = Letter("Subject", "Text tok-123", "<p>tok-123</p>")


@pytest.fixture
def post(tmp_path: Path) -> FolderPost:
    return FolderPost(tmp_path / "outbox", Composer("shop@shop.example", "Shop"))


async def test_a_mail_becomes_a_private_file(post: FolderPost, tmp_path: Path, clock: FakeClock) -> None:
    mail = a_mail(clock, MailKind.RESET)
    with structlog.testing.capture_logs() as logs:
        assert await post.send([(mail, LETTER)], clock.now()) == [None]
    (path,) = (tmp_path / "outbox").iterdir()
    assert path.name == f"{mail.id}.eml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert parsed(path.read_bytes())["Subject"] == "Subject"
    assert [entry["event"] for entry in logs] == ["mail.written"]
    assert "tok-123" not in repr(logs)


async def test_sending_again_leaves_one_file(post: FolderPost, tmp_path: Path, clock: FakeClock) -> None:
    mail = a_mail(clock)
    await post.send([(mail, LETTER)], clock.now())
    (path,) = (tmp_path / "outbox").iterdir()
    before = path.read_bytes()
    (path.parent / f".{mail.id}.tmp").write_bytes(b"what a killed process had begun, longer than the mail" * 1000)
    await post.send([(mail, LETTER)], clock.now())
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


async def test_a_bad_address_does_not_hold_up_the_others(post: FolderPost, tmp_path: Path, clock: FakeClock) -> None:
    bad, good = a_mail(clock, address="nobody"), a_mail(clock)
    answers = await post.send([(bad, LETTER), (good, LETTER)], clock.now())
    assert answers[0] is not None
    assert answers[0].permanent
    assert answers[1] is None
    assert [path.name for path in (tmp_path / "outbox").iterdir()] == [f"{good.id}.eml"]


async def test_a_folder_that_cannot_be_written_is_tried_again(
    post: FolderPost, tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "outbox").write_text("a file is in the way")
    with caplog.at_level(logging.INFO):
        answers = await post.send([(a_mail(clock), LETTER)], clock.now())
    assert answers[0] is not None
    assert not answers[0].permanent
    assert "outbox" in answers[0].reason
