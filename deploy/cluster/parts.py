"""What a cluster consists of: servers, a gateway, and two processes for each context."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from caddy_shopping.main.topology import NEEDS
from deploy.cluster.servers import OwnGateway, OwnKafka, OwnPostgreSQL, OwnRedis, Part
from deploy.cluster.supervisor import NotStarted, Program
from tests.support import brokers, gateway, redis_server
from tests.support.gateway import answers
from tests.support.server import free_port
from tests.support.servers import available

CONTEXTS = tuple(NEEDS)
ROOT = Path(__file__).parents[2]
SHOP = (sys.executable, "-m", "caddy_shopping")
HEARS = {
    "users": (),
    "products": ("orders",),
    "orders": ("users", "payments"),
    "payments": ("users", "orders"),
    "notifications": ("users", "orders"),
}
"""Whose events move each context: its worker works once it was given its part of each of these topics."""
CREATE_DATABASES = (str(ROOT / "deploy" / "postgres" / "create-databases.sh"),)


def missing() -> list[str]:
    """What this machine lacks, each with the way to it."""
    needed = (available()["PostgreSQL"], brokers.missing("Kafka"), redis_server.missing(), gateway.missing())
    return [reason for reason in needed if reason]


class Parts:
    """All that runs, in `folder`. The gateway listens on `port`, everybody else where there is room."""

    def __init__(self, folder: Path, port: int) -> None:
        self.logs, self.data = folder / "logs", folder / "shop"
        self._ports = {context: free_port() for context in CONTEXTS}
        self.postgresql, self.kafka, self.redis = OwnPostgreSQL(durable=True), OwnKafka(durable=True), OwnRedis()
        # The second address of each service is for its next release: nobody is there.
        self.gateway = OwnGateway(
            {context: (f"127.0.0.1:{at}", f"127.0.0.1:{free_port()}") for context, at in self._ports.items()}
        )
        self.gateway.port = port
        for part in (*self._servers, self.gateway):
            part.settle(folder / part.name.lower())

    @property
    def _servers(self) -> tuple[Part, ...]:
        return self.postgresql, self.kafka, self.redis

    def servers(self) -> Iterator[Program]:
        """What the shop stands on."""
        return map(_program, self._servers)

    def prepare(self) -> None:
        """Databases, users, and each context's tables by its own user, where they are not there yet.

        Raises `NotStarted`.
        """
        urls = {_url_variable(context): self.postgresql.url_of(context) for context in CONTEXTS}
        self._once(CREATE_DATABASES, {**os.environ, **self.postgresql.databases(CONTEXTS)})
        self._once([*SHOP, "migrate"], self._settings(urls))

    def _once(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        log = self.logs / "prepare.log"
        with log.open("ab") as out:
            done = subprocess.run(command, env=environment, stdout=out, stderr=out, check=False, cwd=ROOT)
        if done.returncode:
            raise NotStarted(f"The databases could not be prepared: see {log}")

    def services(self) -> Iterator[Program]:
        """For each context a process that answers requests, and one that delivers events and runs jobs."""
        for context, port in self._ports.items():
            own = {
                "SHOP_CONTEXTS": context,
                # The worker's too: there its sandbox provider sends its webhooks.
                "SHOP_PORT": str(port),
                "SHOP_WORKER_PORT": str(free_port()),
                # It is told of nobody else's database.
                _url_variable(context): self.postgresql.url_of(context),
            }
            settings, worker = self._settings(own), f"{context}-worker"
            yield Program(
                context,
                _guarded("serve", "--no-work"),
                partial(answers, f"http://127.0.0.1:{port}/api/health/ready"),
                ROOT,
                settings,
            )
            works = partial(_works, self.logs / f"{worker}.log", [f"{context}.{topic}" for topic in HEARS[context]])
            yield Program(worker, _guarded("worker"), works, ROOT, settings)

    def front(self) -> Iterator[Program]:
        """The one door for callers."""
        yield _program(self.gateway)

    def _settings(self, own: Mapping[str, str]) -> Mapping[str, str]:
        """The environment of a process of the shop; what its user set is kept where it is not about this."""
        return {
            "SHOP_LOG_FORMAT": "console",
            **os.environ,
            # By what workers say it is known that they work.
            "SHOP_LOG_LEVEL": "INFO",
            "SHOP_CONTEXTS": "",
            "SHOP_HOST": "127.0.0.1",
            "SHOP_DATA_DIR": str(self.data),
            "SHOP_DATABASE_URL": "",
            "SHOP_REDIS_URL": self.redis.url,
            "SHOP_KAFKA_BROKERS": self.kafka.url,
            "SHOP_PEERS": ",".join(f"{context}={self.gateway.internal_url}" for context in CONTEXTS),
            "SHOP_PUBLIC_URL": self.gateway.url,
            "SHOP_HTTP_TRUSTED_PROXIES": "1",
            # Longer than the gateway takes to look twice.
            "SHOP_NOTICE_SECONDS": "1",
            **own,
        }


def _program(part: Part) -> Program:
    part.install()
    guard = part.run_as("--pdeathsig", part.stop_signal)
    stop_signal = signal.Signals[f"SIG{part.stop_signal}"]
    return Program(part.name.lower(), [*guard, *part.command()], part.answers, part.folder, stop_signal=stop_signal)


def _guarded(*arguments: str) -> list[str]:
    """A command of the shop that ends with its supervisor, however that ends."""
    return ["setpriv", "--pdeathsig", "TERM", *SHOP, *arguments]


def _url_variable(context: str) -> str:
    return f"SHOP_{context.upper()}_DATABASE_URL"


def _works(log: Path, groups: Sequence[str]) -> bool:
    said = log.read_text(errors="replace").splitlines() if log.exists() else []
    assigned = [line for line in said if "kafka.assigned" in line]
    return any("working" in line for line in said) and all(any(group in line for line in assigned) for group in groups)
