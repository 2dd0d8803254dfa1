"""Mail without a mail server: each becomes a file that mail programs open."""

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import structlog

from caddy_shopping.contexts.notifications.application.ports import Letter, LetterBroken, Rejection
from caddy_shopping.contexts.notifications.domain.email import Email
from caddy_shopping.contexts.notifications.infrastructure.message import Composer

log = structlog.get_logger("notifications")


class FolderPost:
    """Writes `<email id>.eml` into `folder` and a line into the log.

    Every mail is in the folder once: a file is complete before it gets its name, and sending a mail again
    after a crash writes the same bytes under the same name. Files are for the owner's eyes only, since
    they may hold links that let their reader into an account; the log names the file, never the content.
    """

    def __init__(self, folder: Path, composer: Composer) -> None:
        self._folder = folder
        self._composer = composer

    async def send(self, mails: Sequence[tuple[Email, Letter]], deadline: datetime) -> list[Rejection | None]:
        return await asyncio.to_thread(self._write_all, mails)

    def _write_all(self, mails: Sequence[tuple[Email, Letter]]) -> list[Rejection | None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            answers = [self._write(email, letter) for email, letter in mails]
            _sync_folder(self._folder)
        except OSError as fault:
            return [Rejection(f"{self._folder}: {fault.strerror}")] * len(mails)
        return answers

    def _write(self, email: Email, letter: Letter) -> Rejection | None:
        try:
            envelope = self._composer.compose(email, letter)
        except LetterBroken as fault:
            return Rejection(str(fault), permanent=True)
        path, unfinished = self._folder / f"{email.id}.eml", self._folder / f".{email.id}.tmp"
        with open(unfinished, "wb", opener=_private) as file:
            file.write(envelope.content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        log.info("mail.written", email_id=str(email.id), template=email.kind.value, file=path.name)
        return None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """Make the new names outlive a power cut, as the rows that say SENT will."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
