"""`make services`: the servers that this machine has, for trying things by hand, until Ctrl-C."""

import signal
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import NoReturn

from tests.support.redis_server import RedisServer, missing
from tests.support.servers import ENGINES, available


def main(names: Iterable[str]) -> None:
    """Start what there is of these, each with an empty database `shop`, and print where that is."""
    signal.signal(signal.SIGTERM, _interrupt)
    with suppress(KeyboardInterrupt), ExitStack() as running:
        for name in names:
            if reason := available()[name]:
                print(f"# {reason}", flush=True)
                continue
            server = running.enter_context(ENGINES[name]())
            print(f"# {name}\nSHOP_DATABASE_URL={server.new_database('shop')}", flush=True)
        if reason := missing():
            print(f"# {reason}", flush=True)
        else:
            print(f"# Redis\nSHOP_REDIS_URL={running.enter_context(RedisServer()).url}", flush=True)
        print("# Ctrl-C ends them and removes what they stored.", flush=True)
        signal.pause()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(sys.argv[1:] or ENGINES)
