"""A real `caddy-shopping serve`, as a child that can be killed and started again."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp

import caddy_shopping
from caddy_shopping.main.verify.scratch import NotPossible, Scratch

PATIENCE = 90.0
PACKAGE = Path(caddy_shopping.__file__).parents[1]


class Child:
    """Keeps its port over all its lives, so that its customers find it again."""

    def __init__(self, scratch: Scratch) -> None:
        self._folder = scratch.folder
        self._log = scratch.folder / "serve.log"
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
        self._environment = scratch.environment | {
            "PYTHONPATH": path,
            "SHOP_PORT": str(port),
            "SHOP_HTTP_RATE_LIMITS": "false",
        }
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Return once it is ready. Raises `NotPossible`, with what it said, where that does not come."""
        command = [sys.executable, "-m", "caddy_shopping", "serve", "--no-demo"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603
                command, cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        await self.ready()

    async def ready(self) -> None:
        """Return once it says that it is ready, without being started. Raises `NotPossible` as `start` does."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as http:
            while not await self._ready(http):
                if self._process is None or self._process.poll() is not None or _past(deadline):
                    raise NotPossible(f"The shop does not become ready:\n{self.output}")
                await asyncio.sleep(0.05)

    @property
    def output(self) -> str:
        """The last of what it said, in all its lives."""
        return self._log.read_text(errors="replace")[-4000:]

    def kill(self) -> None:
        """SIGKILL: what a power cut, the kernel or an impatient operator does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help within 20 s."""
        try:
            self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.kill()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    async def _ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.url}/api/health/ready") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            return False


def _past(deadline: float) -> bool:
    return asyncio.get_running_loop().time() > deadline


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
