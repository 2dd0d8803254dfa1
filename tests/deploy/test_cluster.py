"""`make cluster`, as somebody at a terminal uses it: one start, which takes most of a minute, for all of this."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caddy_shopping.main.build import build
from caddy_shopping.platform.settings import Settings
from deploy.cluster.console import Console
from deploy.cluster.parts import CONTEXTS, HEARS, missing
from tests.support.engine import only_sqlite
from tests.support.gateway import answers
from tests.support.readme import lines_against
from tests.support.server import free_port

pytestmark = only_sqlite("it brings its own servers")


class Cluster:
    """The command in a process of its own; its terminal is a file."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="shop-cluster-"))
        self.folder.chmod(0o711)  # the server's user must get through
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._terminal = self.folder / "terminal"
        self.process = self.launch(self._terminal)

    def launch(self, terminal: Path, **settings: str) -> subprocess.Popen[bytes]:
        where = {"SHOP_CLUSTER_DIR": str(self.folder / "kept"), "PORT": str(self.port)}
        with terminal.open("ab") as out:
            command = [sys.executable, "-m", "deploy.cluster"]
            return subprocess.Popen(command, env=os.environ | where | settings, stdout=out, stderr=out)

    def refuses(self, **settings: str) -> str:
        """What a second one says, which must not start."""
        terminal = self.folder / "second"
        assert self.launch(terminal, **settings).wait(20) == 1
        return terminal.read_text()

    @property
    def output(self) -> str:
        return self._terminal.read_text()

    def programs(self) -> list[int]:
        """All that it has started and not yet ended."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def service(self, context: str) -> int:
        """The process that answers requests of one context."""
        (pid,) = [pid for pid in self.programs() if f"SHOP_CONTEXTS={context}\0" in environment(pid) and serves(pid)]
        return pid


def environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


def serves(pid: int) -> bool:
    return "\0serve\0" in Path(f"/proc/{pid}/cmdline").read_text()


def until(happened: Callable[[], object], seconds: float, cluster: Cluster) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert cluster.process.poll() is None, cluster.output
        assert time.monotonic() < deadline, cluster.output
        time.sleep(0.1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if reasons := missing():
        pytest.skip(reasons[0])
    running = Cluster()
    try:
        until(lambda: "Ctrl-C ends it all" in running.output, 180, running)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(60)
        shutil.rmtree(running.folder)


def test_the_lines_of_the_readme_end_in_a_paid_order(cluster: Cluster) -> None:
    assert lines_against(cluster.url)[-1] == "PAID"


def test_it_says_where_everything_is(cluster: Cluster) -> None:
    said = {line.split("|")[1].split()[0]: line.split()[3] for line in cluster.output.splitlines() if "http://" in line}
    assert said["Shop"] == cluster.url
    assert answers(said["Docs"])
    assert answers(said["Statistics"])
    assert "admin@shop.example" in cluster.output


def test_each_context_has_two_processes_that_know_no_other_database(cluster: Cluster) -> None:
    for context in CONTEXTS:
        own = [environment(pid) for pid in cluster.programs() if f"SHOP_CONTEXTS={context}\0" in environment(pid)]
        assert len(own) == 2
        for variables in own:
            known = [each for each in variables.split("\0") if "_DATABASE_URL=postgresql" in each]
            assert [each.partition("=")[0] for each in known] == [f"SHOP_{context.upper()}_DATABASE_URL"]


def test_a_service_that_is_killed_comes_back(cluster: Cluster) -> None:
    before = cluster.service("notifications")
    os.kill(before, signal.SIGKILL)
    until(lambda: "notifications ended (killed by SIGKILL), and is started again in" in cluster.output, 5, cluster)
    assert answers(f"{cluster.url}/api/v1/products"), "the others go on"
    until(lambda: answers(f"{cluster.url}/api/v1/notifications"), 30, cluster)
    assert cluster.service("notifications") != before


def test_what_would_not_work_is_said_at_once(cluster: Cluster) -> None:
    assert "runs in" in cluster.refuses()
    assert f"Port {cluster.port} is taken" in cluster.refuses(SHOP_CLUSTER_DIR=str(cluster.folder / "other"))
    lacking = cluster.refuses(SHOP_CLUSTER_DIR=str(cluster.folder / "other"), SHOP_KAFKA_CACHE="/nowhere")
    assert "  Kafka: tests/support/kafka/build\n" in lacking


def test_it_leaves_nothing_behind(cluster: Cluster) -> None:
    """The last: it ends the cluster."""
    programs = cluster.programs()
    assert len(programs) == 14
    cluster.process.terminate()
    assert cluster.process.wait(60) == 0
    assert [pid for pid in programs if Path(f"/proc/{pid}").exists()] == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", cluster.port))
    assert cluster.output.endswith("| Everything has ended.\n")
    kept = cluster.folder / "kept"
    assert {path.stem for path in (kept / "logs").glob("*.log")} >= {*CONTEXTS, "kafka", "postgresql", "haproxy"}
    assert list((kept / "shop" / "outbox").glob("*.eml")), "what was sold stays"


async def test_it_knows_what_each_worker_waits_for(tmp_path: Path) -> None:
    process = build(Settings(data_dir=tmp_path))
    await process.stop()
    for name, module in process.modules.items():
        assert {each.event.topic for each in module.consumers} == {*HEARS[name]}, name


def test_the_terminal_shows_whole_lines_with_their_names(tmp_path: Path) -> None:
    logs, terminal = tmp_path / "logs", tmp_path / "terminal"
    logs.mkdir()
    (logs / "old.log").write_text("of the run before\n")
    with terminal.open("w") as out, Console(logs, out) as console, (logs / "orders.log").open("ab") as log:
        log.write(b"last words\nhal")
        log.flush()
        console.say("orders ended")
        time.sleep(0.3)
        log.write("f €\n".encode())
        log.flush()
    shown = [" ".join(line.split()) for line in terminal.read_text().splitlines()]
    assert shown == ["orders | last words", "cluster | orders ended", "orders | half €"]
    assert (logs / "old.log.1").exists()
