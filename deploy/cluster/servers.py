"""The servers under a cluster. PostgreSQL and Kafka keep what they are told from one `make cluster` to the next."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.support.brokers import Kafka
from tests.support.gateway import REACH, Gateway, answers
from tests.support.redis_server import RedisServer
from tests.support.server import Server
from tests.support.servers import PostgreSQL


class Part(Server):
    """A server whose folder is its user's own instead of a temporary one, and which others start and end."""

    def settle(self, folder: Path) -> None:
        """Before anything else is asked of it."""
        self.folder.rmdir()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)  # `user` must get through
        self.folder, self.data = folder, folder / "data"

    def answers(self) -> bool:
        """Whether it takes requests."""
        return self._answers()


class OwnPostgreSQL(Part, PostgreSQL):
    """Each context has a database and a user there. It asks nobody for a password, and listens on loopback alone."""

    def shut_out(self) -> str | None:
        """None, or why it cannot work where it was put."""
        enters = subprocess.run([*self.run_as(), "test", "-x", self.folder], check=False, cwd="/").returncode == 0
        return None if enters else f"PostgreSQL runs as the user {self.user}, who cannot enter {self.folder}"

    def install(self) -> None:
        if not self.data.exists():
            super().install()

    def command(self) -> Sequence[str | Path]:
        # Ten processes of twenty connections each.
        return [*super().command(), "-c", "max_connections=300"]

    def databases(self, contexts: Iterable[str]) -> Mapping[str, str]:
        """The settings with which `create-databases.sh` makes one for each context."""
        passwords = {f"SHOP_{context.upper()}_DATABASE_PASSWORD": "unasked" for context in contexts}
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "shop"}
        return {**passwords, **where, "PATH": f"{self.programs()}{os.pathsep}{os.environ['PATH']}"}

    def url_of(self, context: str) -> str:
        """Where the processes of a context find its database, as its user."""
        return f"postgresql+asyncpg://shop_{context}@127.0.0.1:{self.port}/shop_{context}"


class OwnKafka(Part, Kafka):
    """Its data stays; its ports are new each time."""

    def install(self) -> None:
        if self.data.exists():
            properties = "\n".join(f"{key}={value}" for key, value in self._settings().items())
            (self.folder / "properties").write_text(properties)
        else:
            super().install()


class OwnRedis(Part, RedisServer):
    """Keeps nothing, and takes little room."""

    def install(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        super().install()

    def command(self) -> Sequence[str | Path]:
        return [*super().command(), "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]


class OwnGateway(Part, Gateway):
    """Keeps nothing. It answers once it has found every service."""

    def install(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        super().install()

    def answers(self) -> bool:
        return all(answers(f"{self.url}{path}") for path in REACH)
