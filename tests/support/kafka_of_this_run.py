"""The brokers of this run, each started at the first need and ended with the session.

`SHOP_TEST_KAFKA` names one (Kafka or Tansu), and every shop that a test starts has its events travel by it, under names
of its own. Unset, they stay inside the process.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from caddy_shopping.platform.events.kafka.cluster import Cluster
from tests.support.brokers import BROKERS, Broker, missing

VARIABLE = "SHOP_TEST_KAFKA"
SESSION = timedelta(seconds=3)
PARTITIONS = 3


class Brokers:
    """One broker of each kind for this process (a worker of pytest-xdist has its own)."""

    def __init__(self) -> None:
        self._running: dict[str, Broker] = {}
        self._numbers = count()

    def get(self, name: str) -> Broker:
        """Skips the test where the broker is not on this machine."""
        if reason := missing(name):
            pytest.skip(reason)
        if name not in self._running:
            self._running[name] = BROKERS[name]().start()
        return self._running[name]

    def new_cluster(self, name: str) -> Cluster:
        """That broker, with topics and groups of one's own."""
        prefix = f"test{next(self._numbers)}-"
        return Cluster(self.get(name).url, prefix=prefix, partitions=PARTITIONS, session=SESSION)

    def environment_of(self, folder: Path) -> dict[str, str]:
        """What leads a shop that keeps its files in `folder` to this run's broker; nothing where there is none."""
        name = os.environ.get(VARIABLE)
        return environment(self.get(name), folder) if name else {}

    def stop(self) -> None:
        while self._running:
            self._running.popitem()[1].stop()


def environment(broker: Broker, folder: Path) -> dict[str, str]:
    """Settings of a shop whose events travel by a broker, under names that are its folder's."""
    return {
        "SHOP_KAFKA_BROKERS": broker.url,
        "SHOP_KAFKA_PREFIX": f"{folder.parent.name}-{folder.name}-",
        "SHOP_KAFKA_PARTITIONS": str(PARTITIONS),
        "SHOP_KAFKA_SESSION_SECONDS": str(SESSION.total_seconds()),
    }


BROKERS_OF_THIS_RUN = Brokers()


@pytest.fixture(scope="session", autouse=True)
def brokers_of_this_run() -> Iterator[Brokers]:
    """Leaves no broker behind."""
    yield BROKERS_OF_THIS_RUN
    BROKERS_OF_THIS_RUN.stop()
