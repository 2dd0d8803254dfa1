"""PostgreSQL, MariaDB and TiDB, wherever their programs are on the machine: as root too, and without a container.

with PostgreSQL() as server:
    url = server.new_database("shop")  # postgresql+asyncpg://...
    server.kill()
    server.restart()
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.support.server import Server

TIDB_VERSION = (Path(__file__).parent / "tidb" / "VERSION").read_text().strip()


class PostgreSQL(Server):
    """PostgreSQL 15 or newer. It refuses to run as root, and so runs as the user that Debian's package makes."""

    name = "PostgreSQL"
    remedy = "apt install postgresql"
    stop_signal = "INT"  # roll back what is open, write what is committed, end
    create_database = "CREATE DATABASE {}"
    user = "postgres"

    @classmethod
    def programs(cls) -> Path | None:
        debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        return folder_of("initdb", *reversed(debian))

    def install(self) -> None:
        self.data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.data, self.user)
        arguments = ["-U", "shop", "-A", "trust", "-E", "UTF8", "--no-locale", "--lc-ctype=C.UTF-8", "--no-sync"]
        _run(*self.run_as(), _program(self, "initdb"), "-D", self.data, *arguments)

    def command(self) -> Sequence[str | Path]:
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "dynamic_shared_memory_type=mmap"]
        settings += [] if self.durable else ["fsync=off", "full_page_writes=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        return [_program(self, "postgres"), "-D", self.data, "-p", str(self.port), *options]

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://shop@127.0.0.1:{self.port}/postgres"


class MariaDB(Server):
    """MariaDB 10.11 or newer."""

    name = "MariaDB"
    remedy = "apt install mariadb-server"

    @classmethod
    def programs(cls) -> Path | None:
        return folder_of("mariadbd", Path("/usr/sbin"))

    def install(self) -> None:
        _run(
            _program(self, "mariadb-install-db", Path("/usr/bin")),
            "--no-defaults",
            f"--datadir={self.data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *self._as_root(),
        )

    def command(self) -> Sequence[str | Path]:
        return [
            _program(self, "mariadbd"),
            "--no-defaults",
            *self._as_root(),
            f"--datadir={self.data}",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--skip-log-bin",
            "--performance-schema=OFF",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            f"--innodb-flush-log-at-trx-commit={1 if self.durable else 2}",
            f"--innodb-doublewrite={'ON' if self.durable else 'OFF'}",
        ]

    def _as_root(self) -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    @property
    def url(self) -> str:
        return f"mariadb+asyncmy://root@127.0.0.1:{self.port}/"


class TiDB(Server):
    """TiDB on the store that it embeds for tests, which takes no notice of `durable`: it never forces onto the disk.

    That store keeps the locks of transactions in memory alone. What survives `kill()` for certain are transactions
    that commit in one step (few rows in one region: hence no region for each table).
    """

    name = "TiDB"
    remedy = "tests/support/tidb/build"

    @classmethod
    def programs(cls) -> Path | None:
        cache = os.environ.get("SHOP_TIDB_CACHE") or Path.home() / ".cache" / "caddy-shopping" / f"tidb-{TIDB_VERSION}"
        return folder_of("tidb-server", Path(cache))

    def install(self) -> None:
        self.data.mkdir()
        (self.folder / "config").write_text("split-table = false\n")

    def command(self) -> Sequence[str | Path]:
        return [
            _program(self, "tidb-server"),
            f"-config={self.folder}/config",
            "-store=unistore",
            f"-path={self.data}",
            f"-temp-dir={self.folder}/temp",
            "-socket=",
            "-host=127.0.0.1",
            f"-P={self.port}",
            "-report-status=false",
            "-L=warn",
        ]

    @property
    def url(self) -> str:
        return f"mysql+asyncmy://root@127.0.0.1:{self.port}/"


ENGINES: Mapping[str, type[Server]] = {engine.name: engine for engine in (PostgreSQL, MariaDB, TiDB)}


def available() -> dict[str, str | None]:
    """For each engine None, or the reason for which it cannot be started here, as tests skip with it."""
    if shutil.which("setpriv") is None:
        return {name: f"{name}: its private server takes setpriv (Linux)" for name in ENGINES}
    return {name: None if engine.programs() else f"{name}: {engine.remedy}" for name, engine in ENGINES.items()}


def folder_of(program: str, *more: Path) -> Path | None:
    """The first of `more` and the PATH that holds a program."""
    found = shutil.which(program, path=os.pathsep.join([*map(str, more), os.environ.get("PATH", "")]))
    return Path(found).parent if found else None


def _program(server: Server, name: str, *more: Path) -> Path:
    folder = folder_of(name, *filter(None, [server.programs()]), *more)
    assert folder is not None, f"{server.name}: {server.remedy}"
    return folder / name


def main(names: Iterable[str]) -> None:
    """Print for each engine that cannot be started here its reason."""
    print("\n".join(filter(None, (available()[name] for name in names))))


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, cwd="/")
    assert done.returncode == 0, done.stdout.decode(errors="replace")


if __name__ == "__main__":
    main(sys.argv[1:])
