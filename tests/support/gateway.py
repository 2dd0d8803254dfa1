"""HAProxy with the configuration of deploy/gateway, on ports of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.server import free_port

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "gateway" / "haproxy.cfg"
REMEDY = "apt install haproxy"


def program() -> str | None:
    """HAProxy, where it is on this machine: Debian puts it where not every PATH leads."""
    return shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Gateway:
    """`addresses` are two for each context, `host:port`: of its instances, whether they run or not."""

    def __init__(self, addresses: Mapping[str, tuple[str, str]], log: Path) -> None:
        self.port, self.internal_port, self.statistics_port = free_port(), free_port(), free_port()
        self._addresses = addresses
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def internal_url(self) -> str:
        return f"http://127.0.0.1:{self.internal_port}"

    def start(self, port: int | None = None) -> None:
        """Return once it listens."""
        self.port = port or self.port
        found = program()
        assert found is not None, REMEDY
        with self._log.open("ab") as log:
            command = [found, "-db", "-f", str(CONFIGURATION)]
            self._process = subprocess.Popen(command, env=self._settings(), stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while not self._listens():
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(10)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _settings(self) -> dict[str, str]:
        settings = {
            "SHOP_GATEWAY": f"127.0.0.1:{self.port}",
            "SHOP_GATEWAY_INTERNAL": f"127.0.0.1:{self.internal_port}",
            "SHOP_GATEWAY_STATISTICS": f"127.0.0.1:{self.statistics_port}",
        }
        for context, (a, b) in self._addresses.items():
            settings |= {f"SHOP_{context.upper()}_A": a, f"SHOP_{context.upper()}_B": b}
        return settings
