"""A server of this process's own: on loopback, in a temporary folder, and never left behind."""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

BELOW_EPHEMERAL = range(20_000, 32_000)
"""Ports that the kernel gives to no client, so that a killed server finds its own still free."""


class Server(ABC):
    """One private database server. Its methods block; they may be called where an event loop runs.

    `durable`: each commit is forced onto the disk, as in production. Otherwise it is handed to the operating system,
    which is faster and survives `kill()`, but no power cut.
    """

    name: ClassVar[str]
    remedy: ClassVar[str]
    """How to get it."""
    stop_signal: ClassVar[str] = "TERM"
    create_database: ClassVar[str] = "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    user: ClassVar[str | None] = None
    """Whom it runs as where root starts it, if not as root."""

    def __init__(self, *, durable: bool = False) -> None:
        self.durable = durable
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"shop-{self.name.lower()}-"))
        self.folder.chmod(0o711)  # `user` must get through
        self.data = self.folder / "data"
        self._log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel ends the server with its "parent", and means the thread that started it. This one lives as long
        # as the server should; under a thread of `asyncio.to_thread` the server would end with that test's loop.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=self.name)

    @classmethod
    @abstractmethod
    def programs(cls) -> Path | None:
        """The folder of its programs, where they are on this machine."""

    @abstractmethod
    def install(self) -> None:
        """Make `data`, unless the server makes it by itself."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """How it is run in the foreground."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The async SQLAlchemy URL of the server itself, as its administrator."""

    def new_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        self.execute(self.create_database.format(name))
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def start(self, timeout: float = 90.0) -> Self:
        """Return once it answers."""
        if not self.data.exists():
            self.install()
        self._process = self._thread.submit(self._spawn).result()
        deadline = time.monotonic() + timeout
        while not self._answers():
            assert self._process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)
        return self

    def restart(self) -> None:
        """Start again on the same data and port, after `kill()` or after an orderly end now."""
        self._end()
        self.start()

    def kill(self) -> None:
        """SIGKILL all its processes."""
        while found := processes_in(self.folder):
            for pid in found:
                with suppress(ProcessLookupError):  # it went by itself
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it in an orderly way and remove its data. It cannot be started again."""
        try:
            self._end()
        finally:
            self._thread.shutdown()
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def output(self) -> str:
        """The last of what it logged."""
        return self._log.read_text(errors="replace")[-4000:]

    def execute(self, statement: str) -> None:
        """Run one statement as the administrator, outside any transaction."""

        async def run() -> None:
            engine = create_async_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
            async with engine.connect() as connection:
                await connection.execute(text(statement))

        self._thread.submit(asyncio.run, run()).result()

    def run_as(self, *options: str) -> list[str]:
        """The beginning of a command that is run as `user`, with more options of setpriv(1)."""
        if self.user is None or os.geteuid() != 0:
            return ["setpriv", *options]
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *options]

    def _spawn(self) -> subprocess.Popen[bytes]:
        guard = self.run_as("--pdeathsig", self.stop_signal)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*guard, *self.command()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for whoever started it
            )

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except Exception:  # each driver has its own for a server that is still starting
            return False
        return True

    def _end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.Signals[f"SIG{self.stop_signal}"])
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        self.kill()


def processes_in(folder: Path) -> list[int]:
    """Every process that runs in `folder` or below, whether or not that still exists."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            where = (entry / "cwd").readlink()
        except OSError:
            continue  # it is somebody else's, or ended just now
        if where.is_relative_to(folder):
            found.append(int(entry.name))
    return found


def free_port() -> int:
    for port in random.sample(BELOW_EPHEMERAL, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port was found")
