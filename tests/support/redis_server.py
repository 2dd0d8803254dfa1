"""A private Redis, as `tests.support.servers` has databases."""

import socket
from collections.abc import Sequence
from pathlib import Path
from shutil import which

import pytest

from tests.support.server import Server


class RedisServer(Server):
    """Redis 7 or newer. It keeps nothing on the disk: nothing that the shop has in it must survive."""

    name = "Redis"
    remedy = "apt install redis-server"

    def __init__(self, *, databases: int = 16) -> None:
        super().__init__()
        self._databases = databases

    @classmethod
    def programs(cls) -> Path | None:
        found = which("redis-server")
        return Path(found).parent if found else None

    def install(self) -> None:
        self.data.mkdir()

    def command(self) -> Sequence[str | Path]:
        folder = self.programs()
        assert folder is not None, self.remedy
        memory_only = ["--save", "", "--appendonly", "no", "--databases", str(self._databases)]
        return [folder / "redis-server", "--bind", "127.0.0.1", "--port", str(self.port), *memory_only]

    @property
    def url(self) -> str:
        return self.url_of(0)

    def url_of(self, number: int) -> str:
        """One of its databases, which know nothing of each other (but share their channels)."""
        return f"redis://127.0.0.1:{self.port}/{number}"

    def new_database(self, name: str) -> str:
        """Redis has numbers where others have names; an empty server has one that will do."""
        return self.url

    def execute(self, statement: str) -> None:
        """Send one inline command and wait for the answer. Raises `OSError` where nobody answers."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(statement.encode() + b"\r\n")
            answer = connection.recv(4096)
        if not answer or answer.startswith(b"-"):
            raise ConnectionError(answer.decode() or "the connection was closed")

    def _answers(self) -> bool:
        try:
            self.execute("PING")
        except OSError:
            return False
        return True


def missing() -> str | None:
    """None, or the reason for which it cannot be started here, as tests skip with it."""
    return None if RedisServer.programs() and which("setpriv") else f"{RedisServer.name}: {RedisServer.remedy}"


def running_or_skipped() -> RedisServer:
    """A server that runs; the test that asks is skipped where there is none to be had."""
    if reason := missing():
        pytest.skip(reason)
    return RedisServer().start()
