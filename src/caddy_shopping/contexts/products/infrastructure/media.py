"""Pictures in a folder."""

import asyncio
import os
from pathlib import Path

from caddy_shopping.contexts.products.domain.errors import MediaNotFound
from caddy_shopping.contexts.products.domain.pictures import is_name
from caddy_shopping.kernel.ids import new_id
from caddy_shopping.platform.security.files import sync_folder


class FolderMedia:
    """See `application.ports.Media`. A name is a hash of the content, so no two contents share one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def store(self, name: str, content: bytes) -> None:
        await asyncio.to_thread(self._write, name, content)

    async def load(self, name: str) -> bytes:
        if not is_name(name):
            raise MediaNotFound()
        try:
            return await asyncio.to_thread((self._folder / name).read_bytes)
        except FileNotFoundError:
            raise MediaNotFound() from None

    def _write(self, name: str, content: bytes) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self._folder.parent)
        unfinished = self._folder / f".{new_id().hex}"
        try:
            # Readers see the whole file or none, also after a crash.
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._folder / name)
            sync_folder(self._folder)
        finally:
            unfinished.unlink(missing_ok=True)
