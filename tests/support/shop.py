"""A shop that really runs: its own process, its own data folder, HTTP from outside."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

import aiohttp

from tests.support.engine import ENGINE
from tests.support.forked import Fork
from tests.support.kafka_of_this_run import BROKERS_OF_THIS_RUN
from tests.support.redis_run import REDIS

ADDRESS = {
    "name": "Li Lei 李雷",
    "line1": "1 Nanjing Road",
    "city": "Shanghai",
    "postalCode": "200000",
    "country": "CN",
    "phone": "+86 21 5555 0100",
}


class Answer:
    """One HTTP answer: `status`, `headers`, `raw` bytes, and `json` where it is JSON."""

    def __init__(self, status: int, headers: Mapping[str, str], raw: bytes, decoded: Any) -> None:
        self.status, self.headers, self.raw, self.json = status, headers, raw, decoded

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def code(self) -> str:
        """The stable code of a problem."""
        code: str = self.json["code"]
        return code

    def __repr__(self) -> str:
        return f"<{self.status} {self.raw[:500]!r}>"


class Caller:
    """Somebody with (or without) an access token."""

    def __init__(self, http: aiohttp.ClientSession, url: str, language: str = "en") -> None:
        self._http, self.url, self.language = http, url, language
        self.token: str | None = None
        self.refresh_token: str | None = None
        self.email: str | None = None

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        if_match: int | str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: Any = None,
    ) -> Answer:
        """One request. POSTs get a fresh Idempotency-Key unless `key` names one.

        `raw` is a body as it is: bytes, a form, or an async generator that is sent in chunks.
        """
        sent = {"Accept-Language": self.language, **(headers or {})}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        if method == "POST":
            sent.setdefault("Idempotency-Key", key or uuid4().hex)
        if if_match is not None:
            sent["If-Match"] = f'"{if_match}"'
        url = f"{self.url}/api/v1{path}" if path.startswith("/") else f"{self.url}/{path}"
        async with self._http.request(method, url, json=body, data=raw, headers=sent) as response:
            raw = await response.read()
            decoded = await response.json(content_type=None) if "json" in response.content_type else None
            return Answer(response.status, response.headers, raw, decoded)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.ask("POST", path, body, **more)

    async def sign_in_as_guest(self) -> "Caller":
        self._take(await self.post("/auth/guest"))
        return self

    async def register(self, email: str, password: str = "correct horse battery", name: str = "Li Lei") -> "Caller":
        self._take(await self.post("/auth/register", {"email": email, "password": password, "name": name}))
        self.email = email
        return self

    async def sign_in(self, email: str, password: str) -> "Caller":
        self._take(await self.post("/auth/login", {"email": email, "password": password}))
        self.email = email
        return self

    def _take(self, answer: Answer) -> None:
        assert answer.status in (200, 201), answer
        self.token, self.refresh_token = answer.data["accessToken"], answer.data["refreshToken"]


class Shop:
    """`caddy-shopping serve` in a process of its own, which can be stopped, killed and started again.

    Its methods block; beside running coroutines call them through `asyncio.to_thread`.
    """

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin: tuple[str, str] | None = None
        self.environment = {
            **os.environ,
            "PYTHONPATH": "src",
            "PYTHONDONTWRITEBYTECODE": "",  # as on anybody's machine: otherwise each start compiles the whole shop
            "SHOP_DATA_DIR": str(data_dir),
            "SHOP_PORT": str(self.port),
            "SHOP_HTTP_RATE_LIMITS": "false",
            **ENGINE.environment_of(data_dir),
            **BROKERS_OF_THIS_RUN.environment_of(data_dir),
            **REDIS.environment_of(data_dir),
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | Fork | None = None
        self._log = data_dir / "serve.log"

    def books_of(self, statement: str) -> Path:
        """The folder that stands for the database which a statement is about."""
        return self.data_dir

    @property
    def output(self) -> str:
        """Everything it printed and logged so far."""
        return self._log.read_text()

    def start(self, *arguments: str, timeout: float = 180.0) -> None:
        """Return once it is ready; `arguments` are for `serve`."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._process = self._launch("serve", *arguments, log=self._log)
        deadline = time.monotonic() + timeout
        while not self._ready():
            assert self._process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)
        self._find_admin()

    def _find_admin(self) -> None:
        found = re.search(r"only once:\s+(\S+)\s+(\S+)", self.output)
        if found:
            self.admin = (found[1], found[2])

    def _launch(self, *arguments: str, log: Path) -> subprocess.Popen[bytes] | Fork:
        with log.open("ab") as out:
            command = [sys.executable, "-m", "caddy_shopping", *arguments]
            return subprocess.Popen(command, env=self.environment, stdout=out, stderr=out)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/health/ready", timeout=2) as answer:
                ready: bool = answer.status == 200
                return ready
        except OSError:
            return False

    def stop(self, timeout: float = 20.0) -> int:
        """SIGTERM, and the exit code."""
        return self._end(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """SIGKILL: what a power cut, the kernel or an impatient operator does."""
        self._end(signal.SIGKILL, 20.0)

    def send(self, which: signal.Signals) -> None:
        """Send a signal and do not wait."""
        assert self._process is not None
        self._process.send_signal(which)

    def _end(self, how: signal.Signals, timeout: float) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(how)
        return process.wait(timeout)

    def resident_bytes(self) -> int:
        """Resident memory of the shop's process and all its children."""
        assert self._process is not None
        pages, waiting = 0, [self._process.pid]
        while waiting:
            pid = waiting.pop()
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return pages * os.sysconf("SC_PAGE_SIZE")

    def mails(self) -> list[EmailMessage]:
        """What lies in the outbox folder, oldest first."""
        files = sorted((self.data_dir / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]

    def run(self, *arguments: str, timeout: float = 600.0) -> tuple[int, str]:
        """A command of the CLI on this installation: exit code and everything it printed."""
        with NamedTemporaryFile() as said:
            process = self._launch(*arguments, log=Path(said.name))
            try:
                return process.wait(timeout), said.read().decode()
            finally:
                process.send_signal(signal.SIGKILL)  # where it was given up


class ForkedShop(Shop):
    """As `Shop`, and a second faster to start: see `Fork`."""

    def _launch(self, *arguments: str, log: Path) -> Fork:
        return Fork(arguments, self.environment, log)


@asynccontextmanager
async def callers(shop: Shop) -> AsyncIterator[Any]:
    """A maker of callers that share one connection pool: `new()`, `new("zh")`."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as http:

        def new(language: str = "en") -> Caller:
            return Caller(http, shop.url, language)

        yield new


async def eventually(check: Any, timeout: float = 15.0) -> Any:
    """What `check()` returns once it is truthy; the last exception or AssertionError after `timeout` seconds."""
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        last: Any = None
        try:
            result = await check()
            if result:
                return result
        except AssertionError as fault:
            last = fault
        if asyncio.get_running_loop().time() > deadline:
            raise last or AssertionError("it did not happen in time")
        await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
