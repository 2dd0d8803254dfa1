"""The server that a benchmark runs on."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.server import Server
from tests.support.servers import ENGINES


@contextmanager
def database_server(name: str) -> Iterator[Server | None]:
    """A private server of that engine, which commits to the disk as in production; None for SQLite."""
    if name == "SQLite":
        yield None
    else:
        with ENGINES[name](durable=True) as server:
            yield server
