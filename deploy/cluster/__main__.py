"""`make cluster`: the shop as five services with all that belongs to it, as processes on this machine, until Ctrl-C."""

import fcntl
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from deploy.cluster.console import Console
from deploy.cluster.parts import CONTEXTS, ROOT, Parts, missing
from deploy.cluster.supervisor import NotStarted, Supervisor

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run until told to stop. `PORT` or `SHOP_PORT`: where callers come in. `SHOP_CLUSTER_DIR`: where data is kept."""
    folder = Path(os.environ.get("SHOP_CLUSTER_DIR") or ROOT / "var" / "cluster").absolute()
    port = int(os.environ.get("PORT") or os.environ.get("SHOP_PORT") or 3000)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder) as alone:
        if not alone:
            return _fail(f"A cluster runs in {folder} already. Another one takes another folder: SHOP_CLUSTER_DIR.")
        if lacking := missing():
            return _fail("A cluster takes what is not on this machine:", *(f"  {each}" for each in lacking))
        if _taken(port):
            return _fail(f"Port {port} is taken. Stop what listens there, or choose another: PORT=3100 make cluster")
        parts = Parts(folder, port)
        if reason := parts.postgresql.shut_out():
            return _fail(f"{reason}. Choose another folder: SHOP_CLUSTER_DIR=/var/tmp/shop-cluster make cluster")
        with Console(parts.logs) as console:
            return _run(parts, console)


def _run(parts: Parts, console: Console) -> int:
    supervisor = Supervisor(parts.logs, console.say)
    for each in STOPS:
        signal.signal(each, _interrupt)
    code = 0
    try:
        console.say("Starting PostgreSQL, Kafka, Redis, and then the shop ...")
        supervisor.start(parts.servers())
        parts.prepare()
        supervisor.start(parts.services())
        supervisor.start(parts.front())
        for line in _welcome(parts):
            console.say(line)
        while True:
            signal.pause()
    except KeyboardInterrupt:
        console.say("Stopping. (Once more: at once.)")
    except NotStarted as fault:
        console.say(f"{fault}. Stopping.")
        code = 1
    finally:
        for each in STOPS:
            signal.signal(each, lambda *_: supervisor.kill())
        supervisor.stop()
        console.say("Everything has ended.")
    return code


def _welcome(parts: Parts) -> Iterator[str]:
    door = parts.gateway
    yield f"Shop          {door.url}"
    yield f"Docs          {door.url}/api/docs"
    yield f"Statistics    http://127.0.0.1:{door.statistics_port}"
    yield f"Staff sign-in {_staff(parts)}"
    yield f"PostgreSQL    {parts.postgresql.url_of(CONTEXTS[0])}, and so on for each context"
    yield f"Redis         {parts.redis.url}"
    yield f"Kafka         {parts.kafka.url}"
    yield f"Logs          {parts.logs}"
    yield f"Mails         {parts.data / 'outbox'}"
    yield f"Ctrl-C ends it all. What was sold stays in {parts.logs.parent}, until you remove that folder."


def _staff(parts: Parts) -> str:
    """What the first start said and nobody says again, kept for the following ones."""
    kept = parts.data / "staff-sign-in"
    said = re.search(r"only once:\s+(\S+\s+\S+)", (parts.logs / "users.log").read_text())
    if said:
        kept.touch(mode=0o600)
        kept.write_text(said[1])
    return f"{kept.read_text()}  (as it was made)" if kept.exists() else "as you know it"


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else is at it; the lock goes with the process."""
    with (folder / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _fail(*lines: str) -> int:
    print("\n".join(lines), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
