"""The private servers themselves: what is committed survives `kill -9`, and nothing is left behind."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.server import Server, processes_in
from tests.support.servers import ENGINES, available

SAID, AT = "李雷 bought 🛒", datetime.fromisoformat("2026-02-28T23:59:59.123456")


def engine_or_skip(name: str) -> type[Server]:
    if reason := available()[name]:
        pytest.skip(reason)
    return ENGINES[name]


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One for all tests here; at the end nothing is left of it."""
    with engine_or_skip(request.param)(durable=True) as running:
        yield running
        assert processes_in(running.folder)
    assert processes_in(running.folder) == []
    assert not running.folder.exists()


async def ask(url: str, *statements: str, **parameters: Any) -> list[Any]:
    """Run the statements in one transaction; the rows of the last."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                result = await connection.execute(text(statement), parameters)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        await engine.dispose()


async def test_what_is_committed_survives_kill(server: Server) -> None:
    url = server.new_database("shop")
    await ask(url, "CREATE TABLE note (id INT PRIMARY KEY, said VARCHAR(40), happened TIMESTAMP(6))")
    await ask(url, "INSERT INTO note VALUES (1, :said, :at)", said=SAID, at=AT)
    port = server.port
    server.kill()
    assert processes_in(server.folder) == []
    server.restart()
    assert server.port == port
    assert await ask(url, "SELECT 1, said, happened FROM note") == [(1, SAID, AT)]
    assert await ask(url, "SELECT count(*) FROM note WHERE said = :said", said=SAID.upper()) == [(0,)]


async def test_databases_are_apart_and_last_over_an_orderly_restart(server: Server) -> None:
    one, other = server.new_database("one"), server.new_database("other")
    await ask(one, "CREATE TABLE note (id INT PRIMARY KEY)")
    await ask(other, "CREATE TABLE note (id INT PRIMARY KEY)", "INSERT INTO note VALUES (7)")
    restarter = threading.Thread(target=server.restart)  # whose end must not be the server's
    restarter.start()
    restarter.join()
    assert await ask(one, "SELECT id FROM note") == []
    assert await ask(other, "SELECT id FROM note") == [(7,)]


DIES = """
import os, sys
from tests.support.servers import ENGINES
server = ENGINES[sys.argv[1]]().start()
print(server.folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("name", ENGINES)
def test_no_server_outlives_whoever_started_it(name: str) -> None:
    engine_or_skip(name)
    command = [sys.executable, "-c", DIES, name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        folder = Path(starter.stdout.readline().strip())
        try:
            assert starter.pid not in processes_in(folder)
            assert processes_in(folder)
            starter.send_signal(signal.SIGKILL)
            starter.wait()
            deadline = time.monotonic() + 20
            while processes_in(folder):
                assert time.monotonic() < deadline, "it lives on"
                time.sleep(0.05)
        finally:
            for pid in processes_in(folder):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            shutil.rmtree(folder)


def test_a_reason_names_what_is_missing_and_the_way_to_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SHOP_TIDB_CACHE", str(tmp_path))
    assert all(reason and reason.startswith(f"{name}: ") for name, reason in available().items())
