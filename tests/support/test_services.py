"""`make services`, as somebody at a terminal sees it."""

import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import make_url

from tests.support.redis_server import missing
from tests.support.servers import available


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """As a shell starts it in the background: with Ctrl-C ignored. Killed at the end, if it is still there."""
    quoted = shlex.join(command)
    with subprocess.Popen(["bash", "-c", f"trap '' INT; exec {quoted}"], stdout=subprocess.PIPE, text=True) as services:
        try:
            yield services
        finally:
            services.kill()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_the_servers_are_and_ends_them_when_told(how: signal.Signals) -> None:
    if reason := available()["PostgreSQL"]:
        pytest.skip(reason)
    command = [sys.executable, "-m", "tests.support.services", "PostgreSQL", "Redis"]
    with running(command) as services:
        assert services.stdout is not None
        assert services.stdout.readline() == "# PostgreSQL\n"
        url = make_url(services.stdout.readline().strip().removeprefix("SHOP_DATABASE_URL="))
        redis = [services.stdout.readline() for _ in range(1 if missing() else 2)]
        assert redis[-1].startswith("# Redis: " if missing() else "SHOP_REDIS_URL=redis://127.0.0.1:")
        assert services.stdout.readline().startswith("# Ctrl-C")
        assert (url.drivername, url.database) == ("postgresql+asyncpg", "shop")
        socket.create_connection(("127.0.0.1", url.port or 0)).close()
        services.send_signal(how)
        assert services.wait(20) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", url.port or 0))


def test_what_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TIDB_CACHE", "/nowhere")
    monkeypatch.setenv("PATH", "/usr/bin")
    command = [sys.executable, "-m", "tests.support.services", "TiDB"]
    with running(command) as services:
        assert services.stdout is not None
        assert services.stdout.readline() == "# TiDB: tests/support/tidb/build\n"
        services.terminate()
        assert services.wait(20) == 0
