"""The shop as five services behind the gateway, used like the one that is one process."""

import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from caddy_shopping.main.build import SCHEMAS
from caddy_shopping.main.topology import NEEDS
from tests.support.engine import ENGINE
from tests.support.forked import Fork
from tests.support.gateway import REACH, Gateway, answers
from tests.support.kafka_of_this_run import BROKERS_OF_THIS_RUN
from tests.support.kafka_of_this_run import environment as kafka_environment
from tests.support.server import free_port
from tests.support.shop import Shop

CONTEXTS = tuple(NEEDS)
TABLES = {schema.context: set(schema.metadata.tables) for schema in SCHEMAS}


class Service:
    """One context in a process of its own. `a` and `b` take turns in a rolling restart."""

    def __init__(self, context: str, settings: Callable[[], Mapping[str, str]], log: Path) -> None:
        self.context = context
        self.ports = (free_port(), free_port())
        self._settings = settings
        self._log = log
        self._running: dict[int, Fork] = {}

    @property
    def addresses(self) -> tuple[str, str]:
        a, b = self.ports
        return f"127.0.0.1:{a}", f"127.0.0.1:{b}"

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._running.values()]

    def launch(self, which: int = 0) -> None:
        """Start an instance and do not wait."""
        port = self.ports[which]
        settings = {**self._settings(), "SHOP_CONTEXTS": self.context, "SHOP_PORT": str(port)}
        self._running[port] = Fork(["serve"], settings, self._log)

    def wait(self, which: int = 0, timeout: float = 120.0) -> None:
        """Return once the instance is ready."""
        port, deadline = self.ports[which], time.monotonic() + timeout
        while not answers(f"http://127.0.0.1:{port}/api/health/ready"):
            assert self._running[port].poll() is None, self._log.read_text()[-5000:]
            assert time.monotonic() < deadline, self._log.read_text()[-5000:]
            time.sleep(0.05)

    def roll(self) -> None:
        """The next instance first, then the end of the one before."""
        (old,) = self._running
        new = 1 - self.ports.index(old)
        self.launch(new)
        self.wait(new)
        # The gateway has to have seen it.
        time.sleep(1)
        assert self.end(old) == 0

    def end(self, port: int, how: signal.Signals = signal.SIGTERM) -> int:
        process = self._running.pop(port)
        process.send_signal(how)
        return process.wait(60)

    def kill(self) -> None:
        for port in list(self._running):
            self.end(port, signal.SIGKILL)

    def stop(self) -> int:
        return max([self.end(port) for port in list(self._running)], default=0)


class SplitShop(Shop):
    """Five services, each on a database of its own; events by Kafka, calls by the gateway's inner door."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        super().__init__(data_dir, environment)
        if "SHOP_KAFKA_BROKERS" not in self.environment:
            self.environment |= kafka_environment(BROKERS_OF_THIS_RUN.get("Tansu"), data_dir)
        for context in CONTEXTS:
            folder = data_dir / context
            folder.mkdir(exist_ok=True)
            self.environment[f"SHOP_{context.upper()}_DATABASE_URL"] = ENGINE.url_of(folder)
        self.services = {context: Service(context, lambda: self.environment, self._log) for context in CONTEXTS}
        self.gateway = Gateway({name: each.addresses for name, each in self.services.items()})
        self.gateway.port = self.port
        inside = self.gateway.internal_url
        self.environment |= {
            "SHOP_PEERS": ",".join(f"{context}={inside}" for context in CONTEXTS),
            "SHOP_PUBLIC_URL": self.url,
            "SHOP_HTTP_TRUSTED_PROXIES": "1",
            # Longer than the gateway takes to look twice.
            "SHOP_NOTICE_SECONDS": "1",
        }

    def books_of(self, statement: str) -> Path:
        (context,) = {context for context, tables in TABLES.items() if tables & set(re.findall(r"\w+", statement))}
        return self.data_dir / context

    def start(self, *arguments: str, timeout: float = 120.0) -> None:
        """Return once all are ready, as the gateway sees it."""
        self.gateway.start()
        for service in self.services.values():
            service.launch()
        for service in self.services.values():
            service.wait(timeout=timeout)
        deadline = time.monotonic() + timeout
        while not all(answers(f"{self.url}{path}") for path in REACH):
            assert time.monotonic() < deadline, self.output[-5000:]
            time.sleep(0.05)
        self._find_admin()

    def stop(self, timeout: float = 60.0) -> int:
        codes = [service.stop() for service in self.services.values()]
        self.gateway.kill()  # to be started again, maybe
        return max(codes)

    def kill(self) -> None:
        for service in self.services.values():
            service.kill()
        self.gateway.stop()
