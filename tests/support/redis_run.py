"""Redis for the shops of this run, where `SHOP_TEST_REDIS=1` wants it: a server for each process that runs tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.redis_server import RedisServer, missing

VARIABLE = "SHOP_TEST_REDIS"
DATABASES = 10_000


class RedisOfThisRun:
    """Each data folder has a database of its own: a shop shares it with its own processes, and no other shop."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._server: RedisServer | None = None
        self._made: dict[Path, int] = {}

    def environment_of(self, folder: Path) -> dict[str, str]:
        """What leads a shop that keeps its files in `folder` to Redis, or away from it."""
        if not self._wanted:
            return {"SHOP_REDIS_URL": ""}
        if self._server is None:
            if reason := missing():
                raise pytest.UsageError(reason)
            self._server = RedisServer(databases=DATABASES).start()
        number = self._made.setdefault(folder.resolve(), len(self._made) % DATABASES)
        return {"SHOP_REDIS_URL": self._server.url_of(number)}

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()


REDIS = RedisOfThisRun(os.environ.get(VARIABLE, "") == "1")


@pytest.fixture(scope="session", autouse=True)
def redis_of_this_run() -> Iterator[RedisOfThisRun]:
    """Leaves no server behind."""
    yield REDIS
    REDIS.stop()
