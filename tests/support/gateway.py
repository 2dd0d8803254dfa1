"""HAProxy with the configuration of deploy/gateway, on ports of its own."""

import socket
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.server import Server, free_port
from tests.support.servers import folder_of

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "gateway" / "haproxy.cfg"
REACH = ("/api/v1/products", "/api/v1/orders", "/api/v1/payments/x", "/api/v1/notifications", "/api/health/ready")
"""One path of each service; what counts is that the service answers, not what."""


class Gateway(Server):
    """`addresses` are two for each context, `host:port`: of its instances, whether they run or not."""

    name = "HAProxy"
    remedy = "apt install haproxy"

    def __init__(self, addresses: Mapping[str, tuple[str, str]]) -> None:
        super().__init__()
        self._addresses = addresses
        self.internal_port, self.statistics_port = free_port(), free_port()

    @classmethod
    def programs(cls) -> Path | None:
        return folder_of("haproxy", Path("/usr/sbin"))

    def install(self) -> None:
        self.data.mkdir()
        settings = {
            "SHOP_GATEWAY": f"127.0.0.1:{self.port}",
            "SHOP_GATEWAY_INTERNAL": f"127.0.0.1:{self.internal_port}",
            "SHOP_GATEWAY_STATISTICS": f"127.0.0.1:{self.statistics_port}",
        }
        for context, (a, b) in self._addresses.items():
            settings |= {f"SHOP_{context.upper()}_A": a, f"SHOP_{context.upper()}_B": b}
        said = "".join(f"    setenv {name} {value}\n" for name, value in settings.items())
        (self.data / "settings.cfg").write_text(f"global\n{said}")

    def command(self) -> Sequence[str | Path]:
        folder = self.programs()
        assert folder is not None, self.remedy
        return [folder / "haproxy", "-db", "-f", self.data / "settings.cfg", "-f", CONFIGURATION]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def internal_url(self) -> str:
        """Where the services call each other."""
        return f"http://127.0.0.1:{self.internal_port}"

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def missing() -> str | None:
    """None, or the reason for which it cannot be started here, as tests skip with it."""
    return None if Gateway.programs() else f"{Gateway.name}: {Gateway.remedy}"


def answers(url: str) -> bool:
    """Whether anybody but the gateway answers there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refusal:
        return refusal.code not in (502, 503, 504)
    except OSError:
        return False
